"""An update in the style of CleanRL's ddpg_continuous_action.py: plain layers and plain loops.

Actor and critic have an encoder each, and both have target networks.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from gymnasium import spaces
from stable_baselines3.common.buffers import ReplayBuffer
from torch import Tensor, nn
from torch.optim import Adam

from benchmarks.updates.updaters.plain import Encoder, mlp, trunk
from benchmarks.updates.updaters.stable_baselines3 import SpacesOnly, fill
from benchmarks.updates.updaters.updater import STORED, Setting, Updater


class Actor(nn.Module):
    """Observations (B, stack, H, W) uint8 to actions (B, 2) in [-1, 1]."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.encoder = Encoder(setting)
        self.trunk = trunk(self.encoder.num_features, setting)
        self.head = mlp(setting.trunk_features, 2, setting)

    def forward(self, obs: Tensor) -> Tensor:
        return torch.tanh(self.head(self.trunk(self.encoder(obs / 255.0))))


class Critic(nn.Module):
    """Observations and actions (B, 2) to values (B,)."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.encoder = Encoder(setting)
        self.trunk = trunk(self.encoder.num_features, setting)
        self.head = mlp(setting.trunk_features + 2, 1, setting)

    def forward(self, obs: Tensor, action: Tensor) -> Tensor:
        features = self.trunk(self.encoder(obs / 255.0))
        values: Tensor = self.head(torch.cat([features, action], dim=1))
        return values.view(-1)


class CleanRL(Updater):
    name = "CleanRL-shaped DDPG"
    critics = 1
    notes = (
        "rewritten; an encoder each, target actor, an actor step in every update (CleanRL's default is every "
        "second one); its replay is stable-baselines3's, uniform, n-step 1"
    )

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        torch.manual_seed(0)
        config = setting.config.agent
        self.actor = Actor(setting).to(setting.device)
        self.critic = Critic(setting).to(setting.device)
        self.target_actor, self.target_critic = copy.deepcopy(self.actor), copy.deepcopy(self.critic)
        self.critic_optimizer = Adam(self.critic.parameters(), config.critic_lr.start)
        self.actor_optimizer = Adam(self.actor.parameters(), config.actor_lr.start)
        space = SpacesOnly(setting)
        assert isinstance(space.observation_space, spaces.Box)
        self.replay = ReplayBuffer(
            STORED,
            space.observation_space,
            space.action_space,
            setting.device,
            handle_timeout_termination=False,
        )
        fill(self.replay)

    def update(self) -> None:
        batch = self.setting.batch
        self._step(batch.obs, batch.action, batch.reward, batch.discount, batch.next_obs)

    def replay_update(self) -> None:
        data = self.replay.sample(self.setting.config.learning.batch_size)
        discount = self.setting.config.replay.gamma * (1 - data.dones.flatten())
        self._step(data.observations, data.actions, data.rewards.flatten(), discount, data.next_observations)

    def _step(self, obs: Tensor, action: Tensor, reward: Tensor, discount: Tensor, next_obs: Tensor) -> None:
        with torch.no_grad():
            target = reward + discount * self.target_critic(next_obs, self.target_actor(next_obs))
        critic_loss = F.mse_loss(self.critic(obs, action), target)
        self.critic_optimizer.zero_grad()
        critic_loss.backward()
        self.critic_optimizer.step()

        actor_loss = -self.critic(obs, self.actor(obs)).mean()
        self.actor_optimizer.zero_grad()
        actor_loss.backward()
        self.actor_optimizer.step()

        tau = self.setting.config.agent.tau
        for network, target_network in ((self.actor, self.target_actor), (self.critic, self.target_critic)):
            for ours, theirs in zip(network.parameters(), target_network.parameters(), strict=True):
                theirs.data.copy_(tau * ours.data + (1 - tau) * theirs.data)
        self._losses = {"critic": critic_loss.detach(), "actor": actor_loss.detach()}

    def losses(self) -> Mapping[str, float]:
        return {name: float(loss) for name, loss in self._losses.items()}

    def networks(self) -> Mapping[str, nn.Module]:
        return {
            "encoder": self.critic.encoder,
            "actor's encoder": self.actor.encoder,
            "critic": self.critic,
            "actor": self.actor,
            "target critic": self.target_critic,
            "target actor": self.target_actor,
        }
