"""Critic and actor steps against their formulas."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from apexline.agent import ActorCritic, AgentConfig, build, update_actor, update_critic
from apexline.agent.precision import make_scaler
from apexline.agent.updates import bellman_target, saturation, smooth
from apexline.replay import TensorBatch

B = 6
SCALER = make_scaler("fp32", torch.device("cpu"))
PLAIN = AgentConfig(
    hidden=(8, 8),
    trunk_features=4,
    precision="fp32",
    output_init=0.5,
    smoothing_sigma=0.0,
    preactivation_penalty=0.0,
    huber_delta=None,
)


@pytest.fixture(autouse=True)
def _same_weights_every_time() -> None:
    torch.manual_seed(0)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def make(**changes: Any) -> tuple[AgentConfig, ActorCritic]:
    config = replace(PLAIN, **changes)
    return config, build(config, (2, 18, 18), [-1, 0], [1, 1])


def random_batch(**fields: Tensor) -> TensorBatch:
    batch = TensorBatch(
        obs=torch.randint(0, 256, (B, 2, 18, 18), dtype=torch.uint8),
        next_obs=torch.randint(0, 256, (B, 2, 18, 18), dtype=torch.uint8),
        action=torch.rand(B, 2),
        reward=torch.randn(B),
        discount=torch.full((B,), 0.9),
        weights=torch.rand(B) + 0.5,
        indices=torch.arange(B),
        extras={},
    )
    return batch._replace(**fields)


def critic_step(networks: ActorCritic, batch: TensorBatch, config: AgentConfig) -> Any:
    parameters = [*networks.critic_encoder.parameters(), *networks.critic.parameters()]
    return update_critic(networks, SGD(parameters, lr=1e-3), SCALER, batch, config, generator())


def actor_step(networks: ActorCritic, obs: Tensor, config: AgentConfig) -> Any:
    features = networks.critic_encoder(obs).detach()
    parameters = [*networks.actor.parameters(), *(networks.own_actor_encoder or nn.Module()).parameters()]
    return update_actor(networks, SGD(parameters, lr=1e-3), SCALER, obs, features, config, generator())


def gradients(module: nn.Module) -> list[Tensor]:
    return [p.grad.clone() for p in module.parameters() if p.grad is not None]


class ConstantCritic(nn.Module):
    """Two critics that value everything at 5 and 3, plus the action's first component."""

    def forward(self, features: Tensor, action: Tensor) -> Tensor:
        return torch.tensor([[5.0], [3.0]]).expand(2, len(features)) + action[:, 0]


def test_target_takes_the_smaller_critic_and_the_discount_of_the_batch() -> None:
    config, networks = make()
    networks.targets["critic"] = ConstantCritic()
    discount = torch.tensor([0.0, 0.9, 0.81, 0.0, 0.99, 1.0])
    batch = random_batch(discount=discount)
    target = bellman_target(networks, batch, config, generator())
    next_value = 3 + networks.policy(batch.next_obs)[:, 0]
    torch.testing.assert_close(target, batch.reward + discount * next_value)
    assert torch.equal(target[discount == 0], batch.reward[discount == 0])


@pytest.mark.parametrize("shared_encoder", [True, False])
@pytest.mark.parametrize("target_actor", [True, False])
def test_the_target_uses_the_target_networks_that_exist(shared_encoder: bool, target_actor: bool) -> None:
    config, networks = make(shared_encoder=shared_encoder, target_actor=target_actor)
    batch = random_batch()
    with torch.no_grad():
        features = networks.critic_encoder(batch.next_obs)
        action, _ = networks.actor(networks.actor_encoder(batch.next_obs))
        online = batch.reward + batch.discount * networks.critic(features, action).amin(0)
    torch.testing.assert_close(bellman_target(networks, batch, config, generator()), online)

    before = bellman_target(networks, batch, config, generator())
    moved = [networks.critic]
    if target_actor:
        moved.append(networks.actor)
    if not shared_encoder:
        moved.append(networks.critic_encoder)
        if target_actor:
            moved.append(networks.actor_encoder)
    for network in moved:
        for parameter in network.parameters():
            nn.init.normal_(parameter)
    assert torch.equal(bellman_target(networks, batch, config, generator()), before)
    if not target_actor:
        nn.init.normal_(networks.actor.output.weight)
        assert not torch.equal(bellman_target(networks, batch, config, generator()), before)


@pytest.mark.parametrize("huber_delta", [None, 1.0, 0.1])
def test_critic_loss_and_td_errors_in_closed_form(huber_delta: float | None) -> None:
    config, networks = make(huber_delta=huber_delta)
    batch = random_batch()
    target = bellman_target(networks, batch, config, generator())
    with torch.no_grad():
        errors = networks.critic(networks.critic_encoder(batch.obs), batch.action) - target
    size = errors.abs()
    losses = errors**2
    if huber_delta is not None:
        quadratic, linear = 0.5 * errors**2, huber_delta * (size - 0.5 * huber_delta)
        losses = torch.where(size <= huber_delta, quadratic, linear)
    step = critic_step(networks, batch, config)
    torch.testing.assert_close(step.td_errors, errors[0])
    torch.testing.assert_close(step.metrics["losses/critic"], (batch.weights * losses.sum(0)).mean())
    torch.testing.assert_close(step.metrics["losses/td_error_abs"], size[0].mean())
    torch.testing.assert_close(step.metrics["losses/target_q"], target.mean())
    assert not step.td_errors.requires_grad
    assert not step.features.requires_grad


def test_huber_inside_delta_steps_like_half_the_squared_error() -> None:
    batch = random_batch()
    config, networks = make(huber_delta=1e6)
    state = copy.deepcopy(networks.state_dict())
    critic_step(networks, batch, config)
    huber = gradients(networks.critic)
    networks.load_state_dict(state)
    critic_step(networks, batch, replace(config, huber_delta=None))
    for ours, squared in zip(huber, gradients(networks.critic), strict=True):
        torch.testing.assert_close(2 * ours, squared)


def test_a_sample_of_weight_zero_has_no_effect() -> None:
    config, networks = make()
    state = copy.deepcopy(networks.state_dict())
    batch = random_batch(weights=torch.tensor([0.0, 1, 1, 1, 1, 1]))
    critic_step(networks, batch, config)
    expected = gradients(networks.critic) + gradients(networks.critic_encoder)

    networks.load_state_dict(state)
    batch.reward[0] += 100
    batch.action[0] = 0.123
    batch.obs[0] = 7
    critic_step(networks, batch, config)
    for before, after in zip(
        expected, gradients(networks.critic) + gradients(networks.critic_encoder), strict=True
    ):
        torch.testing.assert_close(after, before)


def test_the_actor_gradient_is_the_chain_rule() -> None:
    """dQ/da at a = mu(s), chained into da/dtheta as the notebook does it (Lillicrap et al. 2015, eq. 6)."""
    config, networks = make(num_critics=1, shared_encoder=False)
    obs = random_batch().obs
    parameters = [*networks.actor.parameters(), *networks.actor_encoder.parameters()]
    action, _ = networks.actor(networks.actor_encoder(obs))
    leaf = action.detach().requires_grad_()
    q = networks.critic(networks.critic_encoder(obs).detach(), leaf)
    (action_gradients,) = torch.autograd.grad(q.sum(), leaf)
    chain = torch.autograd.grad(action, parameters, grad_outputs=-action_gradients / B)
    assert max(gradient.abs().max() for gradient in chain) > 1e-3

    actor_step(networks, obs, config)
    for parameter, expected in zip(parameters, chain, strict=True):
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.grad, expected, atol=1e-7, rtol=1e-4)


def test_actor_loss_is_the_smaller_value_and_the_penalty() -> None:
    config, networks = make(preactivation_penalty=0.3)
    obs = random_batch().obs
    with torch.no_grad():
        features = networks.critic_encoder(obs)
        action, z = networks.actor(features)
        expected = -networks.critic(features, action).min(0).values.mean() + 0.3 * z.square().mean()
    torch.testing.assert_close(actor_step(networks, obs, config).metrics["losses/actor"], expected)


@pytest.mark.parametrize("shared_encoder", [True, False])
def test_the_actors_step_reaches_only_the_actor(shared_encoder: bool) -> None:
    config, networks = make(shared_encoder=shared_encoder)
    actor_step(networks, random_batch().obs, config)
    assert len(gradients(networks.actor)) == len(list(networks.actor.parameters()))
    assert not gradients(networks.critic)
    assert not gradients(networks.critic_encoder)
    assert bool(gradients(networks.actor_encoder)) == (not shared_encoder)


def test_the_critics_step_reaches_only_the_critic() -> None:
    config, networks = make(shared_encoder=False, target_actor=True)
    critic_step(networks, random_batch(), config)
    assert len(gradients(networks.critic)) == len(list(networks.critic.parameters()))
    assert gradients(networks.critic_encoder)
    for untouched in (networks.actor, networks.actor_encoder, networks.targets):
        assert not gradients(untouched)


def test_batch_norm_statistics_change_only_in_the_networks_own_step() -> None:
    config, networks = make(
        normalization="batch", action_join="second", shared_encoder=False, target_actor=True
    )

    def statistics(module: nn.Module) -> list[Tensor]:
        return [buffer.clone() for name, buffer in module.named_buffers() if "running" in name]

    def changed(step: Any, module: nn.Module) -> bool:
        before = statistics(module)
        step()
        return not all(map(torch.equal, before, statistics(module)))

    batch = random_batch()

    def by_critic() -> None:
        critic_step(networks, batch, config)

    def by_actor() -> None:
        actor_step(networks, batch.obs, config)

    for module in (networks.critic, networks.critic_encoder):
        assert changed(by_critic, module)
        assert not changed(by_actor, module)
    for module in (networks.actor, networks.actor_encoder):
        assert changed(by_actor, module)
        assert not changed(by_critic, module)
    assert not changed(lambda: (by_critic(), by_actor()), networks.targets)
    assert changed(networks.update_copies, networks.targets)


def test_smoothing_is_clipped_in_half_ranges_and_kept_in_bounds() -> None:
    config, networks = make(smoothing_sigma=1.0, smoothing_clip=0.3)
    middle = torch.tensor([[0.0, 0.5]]).expand(5000, 2)
    noise = smooth(middle, networks.actor, config, generator()) - middle
    torch.testing.assert_close(noise.amax(0), torch.tensor([0.3, 0.15]))
    torch.testing.assert_close(noise.amin(0), torch.tensor([-0.3, -0.15]))
    assert noise.mean(0).abs().max() < 0.02
    corner = smooth(torch.ones(5000, 2), networks.actor, config, generator())
    assert corner.max() == 1


def test_smoothing_has_the_configured_deviation() -> None:
    config, networks = make(smoothing_sigma=0.1, smoothing_clip=1.0)
    middle = torch.tensor([[0.0, 0.5]]).expand(20_000, 2)
    noise = smooth(middle, networks.actor, config, generator()) - middle
    torch.testing.assert_close(noise.std(0), torch.tensor([0.1, 0.05]), rtol=0.03, atol=0)


def test_without_sigma_there_is_no_smoothing() -> None:
    config, networks = make(smoothing_sigma=0.0)
    action = torch.rand(3, 2)
    assert smooth(action, networks.actor, config, generator()) is action


def test_saturation_counts_components_at_either_bound() -> None:
    _, networks = make()
    action = torch.tensor([[1.0, 0.5], [-0.99, 0.001], [0.97, 0.98]])
    assert saturation(action, networks.actor) == 0.5
