"""One gradient step of critic and actor, as plain functions of tensors (Lillicrap et al. 2015; TD3; DrQ-v2).

On a GPU no function reads a tensor's value on the host, so the host only queues work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.profiler import record_function

from apexline.agent.config import AgentConfig
from apexline.agent.heads import ActorHead
from apexline.agent.networks import ActorCritic
from apexline.agent.skipping import clear_gradients, is_not_finite, step_unless
from apexline.replay import TensorBatch

Metrics = dict[str, Tensor]
UPDATE_FIELDS = ("obs", "action", "reward", "discount", "next_obs", "weights")
"""Fields of a `TensorBatch` that an update reads, all on the agent's device."""


class CriticStep(NamedTuple):
    """Results of a critic step."""

    td_errors: Tensor
    """(B,) float32: Q_1(s, a) - y before the step."""
    features: Tensor
    """(B, F) float32: the critic encoder's features of `obs` before the step, detached."""
    metrics: Metrics
    """0-d tensors by name."""
    skipped: Tensor
    """0-d bool: the loss or a gradient is not finite, so no weight was changed."""


class ActorStep(NamedTuple):
    """Results of an actor step."""

    metrics: Metrics
    """0-d tensors by name."""
    skipped: Tensor
    """0-d bool: the loss or a gradient is not finite, or `skip` is set, so no weight was changed."""


def update_critic(
    networks: ActorCritic,
    optimizer: Optimizer,
    scaler: torch.amp.GradScaler,
    batch: TensorBatch,
    config: AgentConfig,
    generator: torch.Generator,
) -> CriticStep:
    """Step the critics and their encoder towards the Bellman target y.

    The loss is the batch mean of weights * sum_i l(Q_i(s, a) - y), where l is the Huber loss with `huber_delta`,
    or the square if that is off. The step is skipped if the loss or a gradient is not finite.
    """
    with record_function("update: forward"):
        target = bellman_target(networks, batch, config, generator)
        with training_mode(networks.critic_encoder, networks.critic):
            features = networks.critic_encoder(batch.obs)
            q = networks.critic(features, batch.action)
        errors = q - target
        if config.huber_delta is not None:
            losses = F.huber_loss(
                errors, torch.zeros_like(errors), reduction="none", delta=config.huber_delta
            )
        else:
            losses = errors.square()
        loss = (batch.weights * losses.sum(dim=0)).mean()
    clear_gradients(optimizer)
    with record_function("update: backward"):
        torch.autograd.backward(scaler.scale(loss))
    with record_function("update: optimizer"):
        skipped = is_not_finite(loss, optimizer)
        step_unless(skipped, optimizer, scaler)

    td_errors = errors[0].detach()
    metrics = {
        "losses/critic": loss.detach(),
        "losses/q_values": q.detach().mean(),
        "losses/target_q": target.mean(),
        "losses/td_error_abs": td_errors.abs().mean(),
    }
    return CriticStep(td_errors, features.detach(), metrics, skipped)


def update_actor(
    networks: ActorCritic,
    optimizer: Optimizer,
    scaler: torch.amp.GradScaler,
    obs: Tensor,
    critic_features: Tensor,
    config: AgentConfig,
    generator: torch.Generator,
    skip: Tensor | None = None,
) -> ActorStep:
    """Step the actor, and its own encoder if it has one, towards larger critic values.

    The loss is -mean(min_i Q_i(s, a(s) + noise)) + preactivation_penalty * mean(z^2), with pre-activations z.

    `critic_features` (B, F) are the critic encoder's, detached. They are the input of an actor that shares the encoder
    too: a shared encoder is trained by the critic only and runs once. The critics get no gradient. The step is skipped
    if the loss or a gradient is not finite, or if `skip`, 0-d bool.
    """
    own_encoder = networks.own_actor_encoder
    trained = [networks.actor] if own_encoder is None else [networks.actor, own_encoder]
    with record_function("update: forward"):
        with training_mode(*trained):
            features = critic_features if own_encoder is None else own_encoder(obs)
            action, preactivation = networks.actor(features)
        q = networks.critic(critic_features, smooth(action, networks.actor, config, generator)).amin(dim=0)
        loss = config.preactivation_penalty * preactivation.square().mean() - q.mean()
    clear_gradients(optimizer)
    parameters = [p for network in trained for p in network.parameters()]
    with record_function("update: backward"):
        torch.autograd.backward(scaler.scale(loss), inputs=parameters)
    with record_function("update: optimizer"):
        skipped = is_not_finite(loss, optimizer)
        if skip is not None:
            skipped = skipped | skip
        step_unless(skipped, optimizer, scaler)
    metrics = {
        "losses/actor": loss.detach(),
        "charts/action_saturation": saturation(action.detach(), networks.actor),
    }
    return ActorStep(metrics, skipped)


@torch.no_grad()
def bellman_target(
    networks: ActorCritic, batch: TensorBatch, config: AgentConfig, generator: torch.Generator
) -> Tensor:
    """y = r + discount * min_i Q'_i(s', a' + noise), (B,) float32; `discount` is 0 for terminated episodes."""
    target_of = networks.targets.of
    encoder, actor_encoder = target_of(networks.critic_encoder), target_of(networks.actor_encoder)
    features = encoder(batch.next_obs)
    actor_features = features if actor_encoder is encoder else actor_encoder(batch.next_obs)
    action, _ = target_of(networks.actor)(actor_features)
    q = target_of(networks.critic)(features, smooth(action, networks.actor, config, generator))
    target: Tensor = batch.reward + batch.discount * q.amin(dim=0)
    return target


@contextmanager
def training_mode(*networks: nn.Module) -> Iterator[None]:
    """Training mode for `networks` inside the context, evaluation mode after it."""
    for network in networks:
        network.train()
    try:
        yield
    finally:
        for network in networks:
            network.eval()


def smooth(action: Tensor, actor: ActorHead, config: AgentConfig, generator: torch.Generator) -> Tensor:
    """`action` (B, A) plus clipped Gaussian noise, within the bounds (Fujimoto et al. 2018, eq. 14)."""
    if config.smoothing_sigma == 0:
        return action
    noise = torch.randn(action.shape, generator=generator, device=action.device)
    noise = noise.mul_(config.smoothing_sigma).clamp_(-config.smoothing_clip, config.smoothing_clip)
    half_range = (actor.high - actor.low) / 2
    return torch.clamp(action + half_range * noise, actor.low, actor.high)


def saturation(action: Tensor, actor: ActorHead) -> Tensor:
    """Share of the components of `action` (B, A) within 1% of their range from a bound, 0-d."""
    distance = torch.minimum(action - actor.low, actor.high - action)
    return (distance < 0.01 * (actor.high - actor.low)).float().mean()
