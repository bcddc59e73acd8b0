"""The networks of one agent: actor, critic, encoders, target networks and weight average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from apexline.agent.config import AgentConfig
from apexline.agent.encoders import Encoder
from apexline.agent.heads import ActorHead, CriticHead
from apexline.agent.horizontal_flip import flip_averaged
from apexline.agent.polyak import PolyakCopies


class ActorCritic(nn.Module):
    """Actor, critic, their encoders, target networks (`targets`) and weight average (`average`).

    A shared encoder exists once and the target critic reads its features too (DrQ-v2). `targets.of(network)` is the
    network itself if it has no target, for example the actor without `config.target_actor`.

    Networks are in evaluation mode, so that acting does not change BatchNorm's running statistics; a gradient step puts
    the networks that it trains in training mode while it lasts (`updates.training_mode`).

    Args:
        config: architecture and update rates.
        observation_shape: (stack, H, W) or (stack, C, H, W).
        low, high: the environment's action bounds, (A,) float32.
    """

    def __init__(
        self, config: AgentConfig, observation_shape: Sequence[int], low: Tensor, high: Tensor
    ) -> None:
        super().__init__()
        self.averages_flips = config.flip_augmentation
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
        self.targets = PolyakCopies(targets, config.tau)
        self.average = PolyakCopies({} if config.ema is None else policy, 1 - (config.ema or 0.0))
        self.eval()

    @property
    def actor_encoder(self) -> Encoder:
        """The actor's encoder; the critic's if it is shared."""
        return self.own_actor_encoder or self.critic_encoder

    @torch.no_grad()
    def policy(self, obs: Tensor) -> Tensor:
        """The actor's action (B, A) float32, without noise, for observations (B, stack, ..., H, W) uint8."""
        action: Tensor = self.actor(self.actor_encoder(obs))[0]
        return action

    @torch.no_grad()
    def evaluation_policy(self, obs: Tensor) -> Tensor:
        """As `policy`, with the weight average and averaged over horizontal flips if the config has them."""

        def act(images: Tensor) -> Tensor:
            action: Tensor = self.average.of(self.actor)(self.average.of(self.actor_encoder)(images))[0]
            return action

        return flip_averaged(act, obs) if self.averages_flips else act(obs)

    def update_copies(self) -> None:
        """One soft update of target networks and weight average towards the online networks."""
        self.targets.step()
        self.average.step()

    def load_online(self, weights: Mapping[str, Tensor]) -> None:
        """Load only the online networks of `weights`, an ActorCritic's state; targets and average are reset to them.

        Raises:
            RuntimeError: an online network is missing, unknown or of another shape.
        """
        copies = ("targets.", "average.")
        kept = {name: value for name, value in self.state_dict().items() if name.startswith(copies)}
        online = {name: value for name, value in weights.items() if not name.startswith(copies)}
        self.load_state_dict(online | kept)
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
        ValueError: the frames are too small for the encoder, the bounds are not finite intervals, or there is no
            hidden layer for the action to enter.
    """
    bounds = (np.asarray(bound, np.float32) for bound in (action_low, action_high))
    low, high = (torch.tensor(bound, device="cpu") for bound in bounds)
    return ActorCritic(config, observation_shape, low, high)
