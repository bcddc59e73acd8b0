"""Actor and critic heads: bounds, squashing, the action's layer, normalization."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from apexline.agent import AgentConfig
from apexline.agent.config import Normalization
from apexline.agent.heads import ActorHead, CriticHead

CAR_LOW, CAR_HIGH = torch.tensor([-1.0, 0.0, 0.0]), torch.tensor([1.0, 1.0, 1.0])
SMALL = AgentConfig(hidden=(8, 8), trunk_features=4)


def with_preactivation(actor: ActorHead, z: Tensor) -> Tensor:
    """The action of `actor` for the pre-activation z (A,)."""
    nn.init.zeros_(actor.output.weight)
    actor.output.bias.data.copy_(z)
    action, seen = actor(torch.zeros(1, 5))
    torch.testing.assert_close(seen[0], z)
    return action[0].detach()


def test_car_racing_is_tanh_sigmoid_sigmoid() -> None:
    z = torch.tensor([0.7, -1.3, 2.0])
    action = with_preactivation(ActorHead(SMALL, 5, CAR_LOW, CAR_HIGH), z)
    torch.testing.assert_close(action, torch.stack([z[0].tanh(), z[1].sigmoid(), z[2].sigmoid()]))


def test_bounds_that_are_not_unit_scale_the_action() -> None:
    z = torch.tensor([0.7, -1.3])
    action = with_preactivation(ActorHead(SMALL, 5, torch.tensor([-3.0, 2.0]), torch.tensor([3.0, 6.0])), z)
    torch.testing.assert_close(action, torch.stack([3 * z[0].tanh(), 2 + 4 * z[1].sigmoid()]))


bound = st.floats(-1e3, 1e3, width=32)


@given(bounds=st.tuples(bound, bound).filter(lambda b: b[0] < b[1]), z=st.floats(-100, 100, width=32))
def test_actions_never_leave_their_bounds(bounds: tuple[float, float], z: float) -> None:
    low, high = torch.tensor([bounds[0]]), torch.tensor([bounds[1]])
    action = with_preactivation(ActorHead(SMALL, 5, low, high), torch.tensor([z]))
    assert low <= action <= high


def test_actions_start_near_the_middle_and_values_near_zero() -> None:
    features = torch.randn(64, 5, generator=torch.Generator().manual_seed(0)) * 10
    action, _ = ActorHead(AgentConfig(), 5, CAR_LOW, CAR_HIGH)(features)
    assert (action - (CAR_LOW + CAR_HIGH) / 2).abs().max() < 0.1
    assert CriticHead(AgentConfig(), 5, 3)(features, action).abs().max() < 0.1


def test_output_weights_start_uniform_within_output_init() -> None:
    weight = ActorHead(AgentConfig(output_init=0.05), 5, CAR_LOW, CAR_HIGH).output.weight
    assert 0.045 < weight.abs().max() <= 0.05


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0), (-math.inf, 1.0), (math.nan, 1.0)])
def test_errors_name_bounds_that_are_not_an_interval(low: float, high: float) -> None:
    with pytest.raises(
        ValueError, match=r"bounds of dimension 1 are \[.*, 1.0\]; expected finite low < high"
    ):
        ActorHead(SMALL, 5, torch.tensor([-1.0, low]), torch.tensor([1.0, high]))


def linear_inputs(critic: CriticHead) -> list[int]:
    return [layer.in_features for layer in critic.critics[0].modules() if isinstance(layer, nn.Linear)]


def test_the_action_enters_at_the_configured_layer() -> None:
    config = AgentConfig(hidden=(16, 8), trunk_features=None, action_join="first")
    assert linear_inputs(CriticHead(config, 5, 3)) == [8, 16, 8]
    config = AgentConfig(hidden=(16, 8), trunk_features=None, action_join="second")
    assert linear_inputs(CriticHead(config, 5, 3)) == [5, 19, 8]


def test_with_second_the_first_layer_does_not_depend_on_the_action() -> None:
    critic = CriticHead(AgentConfig(hidden=(16, 8), action_join="second", output_init=0.5), 5, 3)
    seen: list[Tensor] = []
    critic.critics[0].hidden[0].register_forward_hook(lambda _m, _i, out: seen.append(out))
    features = torch.randn(4, 5)
    first, second = critic(features, torch.zeros(4, 3)), critic(features, torch.ones(4, 3))
    assert torch.equal(*seen)
    assert not torch.isclose(first, second).any()


@pytest.mark.parametrize(("hidden", "join"), [((), "first"), ((16,), "second")])
def test_an_action_layer_that_does_not_exist_is_refused(hidden: tuple[int, ...], join: str) -> None:
    config = AgentConfig(hidden=hidden, action_join=join)
    with pytest.raises(ValueError, match=rf"has no {join} layer for the action to enter"):
        CriticHead(config, 5, 3)


@pytest.mark.parametrize("num_critics", [1, 2])
def test_critics_are_independent_and_first_in_shape(num_critics: int) -> None:
    config = AgentConfig(num_critics=num_critics, output_init=0.5)
    q = CriticHead(config, 5, 3)(torch.randn(7, 5), torch.randn(7, 3))
    assert q.shape == (num_critics, 7)
    if num_critics == 2:
        assert not torch.isclose(q[0], q[1]).any()


def normalisations(module: nn.Module) -> list[type]:
    return [type(m) for m in module.modules() if isinstance(m, (nn.LayerNorm, nn.BatchNorm1d))]


@pytest.mark.parametrize(
    ("normalization", "in_actor", "in_critic"),
    [
        ("none", [], []),
        ("layer", [nn.LayerNorm] * 2, [nn.LayerNorm] * 2),
        ("batch", [nn.BatchNorm1d] * 2, [nn.BatchNorm1d]),
    ],
)
def test_normalisation_of_hidden_layers(
    normalization: Normalization, in_actor: list[type], in_critic: list[type]
) -> None:
    config = AgentConfig(normalization=normalization, action_join="second", hidden=(8, 8))
    assert normalisations(ActorHead(config, 5, CAR_LOW, CAR_HIGH).hidden) == in_actor
    assert normalisations(CriticHead(config, 5, 3).critics[0]) == in_critic


def test_the_trunk_can_be_left_out() -> None:
    assert isinstance(CriticHead(AgentConfig(trunk_features=None), 5, 3).trunk, nn.Identity)
    assert [type(m) for m in CriticHead(AgentConfig(), 5, 3).trunk.children()] == [
        nn.Linear,
        nn.LayerNorm,
        nn.Tanh,
    ]
