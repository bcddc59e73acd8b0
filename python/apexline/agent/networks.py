"""All networks of one agent, what follows what, and how they act."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from apexline.agent.config import AgentConfig
from apexline.agent.encoders import Encoder
from apexline.agent.heads import ActorHead, CriticHead
from apexline.agent.horizontal_flip import symmetric
from apexline.agent.target_networks import Followers


class ActorCritic(nn.Module):
    """Actor, critic, their encoders, and what follows them: targets and a weight average.

    With a shared encoder there is only one, and the target critic reads its features too (DrQ-v2). A
    network without a slow copy stands in for itself: `targets.of(actor)` is the actor where the config asks
    for no target actor.

    Networks rest in evaluation mode, so that acting leaves BatchNorm's running statistics alone; a gradient
    step puts those it trains in training mode for as long as it lasts (`training`).

    Args:
        config: what to build.
        observation_shape: (stack, H, W) or (stack, C, H, W).
        low, high: the environment's action bounds, (A,) float32.
    """

    def __init__(
        self, config: AgentConfig, observation_shape: Sequence[int], low: Tensor, high: Tensor
    ) -> None:
        super().__init__()
        self.is_mirrored = config.mirror
        self.critic_encoder = Encoder(config, observation_shape)
        self.own_actor_encoder = None if config.shared_encoder else Encoder(config, observation_shape)
        num_features = self.critic_encoder.num_features
        self.critic = CriticHead(config, num_features, len(low))
        self.actor = ActorHead(config, num_features, low, high)

        targets: dict[str, nn.Module] = {"critic": self.critic}
        if config.target_actor:
            targets["actor"] = self.actor
        if self.own_actor_encoder is not None:
            targets["critic_encoder"] = self.critic_encoder
            if config.target_actor:
                targets["actor_encoder"] = self.own_actor_encoder
        policy: dict[str, nn.Module] = {"actor_encoder": self.actor_encoder, "actor": self.actor}
        self.targets = Followers(targets, config.tau)
        self.average = Followers(policy if config.ema > 0 else {}, 1 - config.ema)
        self.eval()

    @property
    def actor_encoder(self) -> Encoder:
        """The encoder that the actor sees through; the critic's where it is shared."""
        return self.own_actor_encoder or self.critic_encoder

    @torch.no_grad()
    def policy(self, obs: Tensor) -> Tensor:
        """The actor's action (B, A) float32, without noise, for observations (B, stack, ..., H, W) uint8."""
        action: Tensor = self.actor(self.actor_encoder(obs))[0]
        return action

    @torch.no_grad()
    def evaluation_policy(self, obs: Tensor) -> Tensor:
        """As `policy`, with the averaged weights where the config keeps them, and symmetric where it mirrors."""

        def act(seen: Tensor) -> Tensor:
            action: Tensor = self.average.of(self.actor)(self.average.of(self.actor_encoder)(seen))[0]
            return action

        return symmetric(act, obs) if self.is_mirrored else act(obs)

    def follow(self) -> None:
        """Move targets and averages towards the online networks by one update."""
        self.targets.step()
        self.average.step()

    def load_online(self, weights: Mapping[str, Tensor]) -> None:
        """Take only the online networks of `weights`, an ActorCritic's state; their followers start anew.

        Raises:
            RuntimeError: an online network is missing, unknown or of another shape.
        """
        followers = ("targets.", "average.")
        kept = {name: value for name, value in self.state_dict().items() if name.startswith(followers)}
        taken = {name: value for name, value in weights.items() if not name.startswith(followers)}
        self.load_state_dict(taken | kept)
        self.targets.reset()
        self.average.reset()


def build(
    config: AgentConfig,
    observation_shape: Sequence[int],
    action_low: npt.ArrayLike,
    action_high: npt.ArrayLike,
) -> ActorCritic:
    """Networks on the CPU, for observations (stack, H, W) or (stack, C, H, W) and action bounds (A,).

    Initial weights are drawn from torch's global generator.

    Raises:
        ValueError: frames too small for the encoder, bounds that are not finite intervals, or no hidden
            layer where the action should enter.
    """
    low, high = (torch.tensor(np.asarray(bound, np.float32)) for bound in (action_low, action_high))
    return ActorCritic(config, observation_shape, low, high)


@contextmanager
def training(*networks: nn.Module) -> Iterator[None]:
    """Training mode for `networks` while the context lasts, evaluation mode after it."""
    for network in networks:
        network.train()
    try:
        yield
    finally:
        for network in networks:
            network.eval()


class LayerInfo(NamedTuple):
    """One layer that is trained."""

    name: str
    """Path of the module, such as `critic_encoder.layers.0`."""
    shape: tuple[int, ...]
    """Shape of its weight."""
    parameters: int
    """Number of its parameters, biases included."""


def describe(networks: nn.Module) -> list[LayerInfo]:
    """The trained layers in the order they were built; targets and averages are left out."""
    layers = []
    for name, module in networks.named_modules():
        own = [parameter for parameter in module.parameters(recurse=False) if parameter.requires_grad]
        if own:
            layers.append(LayerInfo(name, tuple(own[0].shape), sum(parameter.numel() for parameter in own)))
    return layers
