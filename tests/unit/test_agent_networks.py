"""ActorCritic: shared encoders, target networks, policies and state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from apexline.agent import ActorCritic, AgentConfig, build, trained_layers
from apexline.agent.updates import training_mode

SMALL = AgentConfig(hidden=(8, 8), trunk_features=4, precision="fp32", output_init=0.5)
OBS = torch.randint(0, 256, (6, 2, 18, 18), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def small(**changes: Any) -> ActorCritic:
    return build(replace(SMALL, **changes), (2, 18, 18), [-1, 0, 0], [1, 1, 1])


def randomise(networks: ActorCritic) -> None:
    """Move the online networks away from their copies."""
    with torch.no_grad():
        for parameter in networks.parameters():
            if parameter.requires_grad:
                parameter += torch.randn_like(parameter)


@pytest.mark.parametrize(
    ("changes", "targets"),
    [
        ({}, {"critic"}),
        ({"target_actor": True}, {"critic", "actor"}),
        ({"shared_encoder": False}, {"critic", "critic_encoder"}),
        (
            {"shared_encoder": False, "target_actor": True},
            {"critic", "critic_encoder", "actor", "actor_encoder"},
        ),
    ],
)
def test_which_networks_have_targets(changes: dict[str, bool], targets: set[str]) -> None:
    networks = small(**changes)
    assert set(networks.targets) == targets
    assert (networks.actor_encoder is networks.critic_encoder) == changes.get("shared_encoder", True)


def test_the_networks_of_the_notebook_preset() -> None:
    config = AgentConfig(
        encoder="notebook",
        shared_encoder=False,
        trunk_features=None,
        hidden=(512, 512),
        normalization="none",
        num_critics=1,
        target_actor=True,
    )
    counts = [
        (layer.shape, layer.parameters)
        for layer in trained_layers(build(config, (1, 3, 96, 96), [-1, 0, 0], [1] * 3))
    ]
    features = 5 * 5 * 256
    convolutions = [
        ((64, 3, 9, 9), 15_616),
        ((128, 64, 9, 9), 663_680),
        ((256, 128, 9, 9), 2_654_464),
    ]
    assert counts == [
        *convolutions,
        *convolutions,
        ((512, features + 3), (features + 3) * 512 + 512),
        ((512, 512), 512 * 512 + 512),
        ((1, 512), 513),
        ((512, features), features * 512 + 512),
        ((512, 512), 512 * 512 + 512),
        ((3, 512), 3 * 513),
    ]


def test_trained_layers_counts_each_parameter_once() -> None:
    networks = small(target_actor=True, ema=0.9, normalization="batch")
    layers = trained_layers(networks)
    assert sum(layer.parameters for layer in layers) == sum(
        p.numel() for p in networks.parameters() if p.requires_grad
    )
    names = [layer.name for layer in layers]
    assert len(set(names)) == len(names)
    assert not any("target" in name or "average" in name for name in names)


@pytest.mark.parametrize("method", ["policy", "evaluation_policy"])
def test_policies_act_within_the_bounds_without_a_graph(method: str) -> None:
    action = getattr(small(ema=0.9), method)(OBS)
    assert action.shape == (6, 3)
    assert action.dtype == torch.float32
    assert not action.requires_grad
    assert (action >= torch.tensor([-1.0, 0, 0])).all()
    assert (action <= 1).all()


def test_the_evaluation_policy_uses_the_weight_average_if_there_is_one() -> None:
    networks = small(ema=0.9)
    before = networks.policy(OBS)
    randomise(networks)
    assert torch.equal(networks.evaluation_policy(OBS), before)
    assert not torch.isclose(networks.policy(OBS), before).all()
    plain = small()
    randomise(plain)
    assert torch.equal(plain.evaluation_policy(OBS), plain.policy(OBS))


def test_average_and_targets_are_updated_at_their_own_rates() -> None:
    networks = small(ema=0.9, tau=0.25)
    old = {name: value.clone() for name, value in networks.state_dict().items()}
    randomise(networks)
    networks.update_copies()
    new = networks.state_dict()
    for copy, rate in (("targets.critic", 0.25), ("average.actor", 0.1)):
        leader = copy.split(".")[1]
        for name in (name for name in new if name.startswith(f"{leader}.")):
            expected = torch.lerp(old[name], new[name], rate)
            torch.testing.assert_close(new[f"{copy.split('.')[0]}.{name}"], expected)


def test_acting_does_not_change_running_statistics() -> None:
    networks = small(normalization="batch", shared_encoder=False, ema=0.9)
    before = {name: value.clone() for name, value in networks.state_dict().items()}
    networks.policy(OBS)
    networks.evaluation_policy(OBS)
    assert all(torch.equal(value, before[name]) for name, value in networks.state_dict().items())
    with training_mode(networks.actor_encoder):
        networks.policy(OBS)
    assert not torch.equal(
        before["own_actor_encoder.layers.1.running_mean"],
        networks.state_dict()["own_actor_encoder.layers.1.running_mean"],
    )


def test_training_mode_ends_with_its_context() -> None:
    network = nn.Linear(1, 1).eval()
    with training_mode(network):
        assert network.training
    assert not network.training


def test_state_loads_strictly() -> None:
    separate = small(shared_encoder=False)
    with pytest.raises(RuntimeError, match="own_actor_encoder"):
        small().load_state_dict(separate.state_dict())
    with pytest.raises(RuntimeError, match="own_actor_encoder"):
        separate.load_state_dict(small().state_dict())


def test_online_weights_load_into_networks_with_other_copies() -> None:
    source, networks = small(target_actor=True), small(ema=0.9)
    randomise(source)
    randomise(networks)
    networks.load_online(source.state_dict())
    assert torch.equal(networks.policy(OBS), source.policy(OBS))
    assert torch.equal(networks.evaluation_policy(OBS), source.policy(OBS))
    for ours, theirs in zip(
        networks.targets.of(networks.critic).parameters(), source.critic.parameters(), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_online_weights_of_another_shape_are_refused() -> None:
    with pytest.raises(RuntimeError, match=r"size mismatch for actor\.output\.weight"):
        small().load_online(build(SMALL, (2, 18, 18), [-1, -1], [1, 1]).state_dict())


def test_bounds_may_be_arrays_of_any_float_type() -> None:
    networks = build(SMALL, (2, 18, 18), np.array([-2.0]), np.array([2.0], np.float32))
    assert networks.actor.high.dtype == torch.float32
    assert networks.policy(OBS).shape == (6, 1)
