"""An update in the style of DrQ-v2's drqv2.py, with apexline's encoder in place of its four 3x3 layers.

One encoder trained by the critics alone, two critics with one optimizer, target networks of the critics only, random
shifts by `grid_sample` on the device. DrQ-v2's replay reads episodes from files in worker processes and is not timed.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam

from benchmarks.updates.updaters.plain import Encoder, mlp, trunk
from benchmarks.updates.updaters.updater import Setting, Updater

NOISE, NOISE_CLIP = 0.2, 0.3


class Actor(nn.Module):
    """Features to mean actions (B, 2)."""

    def __init__(self, num_features: int, setting: Setting) -> None:
        super().__init__()
        self.trunk = trunk(num_features, setting)
        self.policy = mlp(setting.trunk_features, 2, setting)

    def forward(self, features: Tensor) -> Tensor:
        return torch.tanh(self.policy(self.trunk(features)))


class Critic(nn.Module):
    """Features and actions (B, 2) to two values (B, 1)."""

    def __init__(self, num_features: int, setting: Setting) -> None:
        super().__init__()
        self.trunk = trunk(num_features, setting)
        inputs = setting.trunk_features + 2
        self.q1, self.q2 = mlp(inputs, 1, setting), mlp(inputs, 1, setting)

    def forward(self, features: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        joined = torch.cat([self.trunk(features), action], dim=-1)
        return self.q1(joined), self.q2(joined)


class DrQv2(Updater):
    name = "DrQ-v2-shaped, with its shifts"
    critics = 2
    notes = "rewritten; one encoder, no target actor; shifts both observations on the device, as apexline's replay does"
    has_replay = False
    shifts = True

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        torch.manual_seed(0)
        config = setting.config.agent
        self.encoder = Encoder(setting).to(setting.device)
        self.actor = Actor(self.encoder.num_features, setting).to(setting.device)
        self.critic = Critic(self.encoder.num_features, setting).to(setting.device)
        self.target = copy.deepcopy(self.critic)
        self.encoder_optimizer = Adam(self.encoder.parameters(), config.critic_lr.start)
        self.actor_optimizer = Adam(self.actor.parameters(), config.actor_lr.start)
        self.critic_optimizer = Adam(self.critic.parameters(), config.critic_lr.start)

    def update(self) -> None:
        batch = self.setting.batch
        features = self._encode(batch.obs)
        with torch.no_grad():
            next_features = self._encode(batch.next_obs)
        critic_loss = self._update_critic(
            features, batch.action, batch.reward[:, None], batch.discount[:, None], next_features
        )
        actor_loss = self._update_actor(features.detach())
        tau = self.setting.config.agent.tau
        for ours, theirs in zip(self.critic.parameters(), self.target.parameters(), strict=True):
            theirs.data.copy_(tau * ours.data + (1 - tau) * theirs.data)
        self._losses = {"critic": critic_loss.detach(), "actor": actor_loss.detach()}

    def replay_update(self) -> None:
        raise NotImplementedError("its replay is not timed")

    def losses(self) -> Mapping[str, float]:
        return {name: float(loss) for name, loss in self._losses.items()}

    def networks(self) -> Mapping[str, nn.Module]:
        return {
            "encoder": self.encoder,
            "critic": self.critic,
            "actor": self.actor,
            "target": self.target,
        }

    def _encode(self, obs: Tensor) -> Tensor:
        pixels = obs.float()
        if self.shifts:
            pixels = shifted(pixels, int(self.setting.config.replay.shift.start))
        features: Tensor = self.encoder(pixels / 255.0 - 0.5)
        return features

    def _update_critic(
        self, features: Tensor, action: Tensor, reward: Tensor, discount: Tensor, next_features: Tensor
    ) -> Tensor:
        with torch.no_grad():
            next_q = torch.min(*self.target(next_features, noisy(self.actor(next_features))))
            target = reward + discount * next_q
        q1, q2 = self.critic(features, action)
        loss = F.mse_loss(q1, target) + F.mse_loss(q2, target)
        self.encoder_optimizer.zero_grad(set_to_none=True)
        self.critic_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.critic_optimizer.step()
        self.encoder_optimizer.step()
        return loss

    def _update_actor(self, features: Tensor) -> Tensor:
        q1, q2 = self.critic(features, noisy(self.actor(features)))
        loss: Tensor = -torch.min(q1, q2).mean()
        self.actor_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.actor_optimizer.step()
        return loss


class DrQv2Unshifted(DrQv2):
    name = "DrQ-v2-shaped"
    notes = "rewritten; one encoder, no target actor; without its random shifts"
    shifts = False


def noisy(mean: Tensor) -> Tensor:
    """`mean` plus clipped noise, clamped to the bounds; the gradient ignores the clamp."""
    action = mean + (torch.randn_like(mean) * NOISE).clamp(-NOISE_CLIP, NOISE_CLIP)
    return action + (action.clamp(-1 + 1e-6, 1 - 1e-6) - action).detach()


def shifted(pixels: Tensor, pad: int) -> Tensor:
    """Square images (B, C, H, H), each shifted by up to `pad` whole pixels, with edges repeated."""
    count, _, side, _ = pixels.shape
    padded = F.pad(pixels, (pad,) * 4, "replicate")
    step = 2.0 / (side + 2 * pad)
    line = torch.linspace(-1 + step / 2, 1 - step / 2, side + 2 * pad, device=pixels.device)[:side]
    columns = line[None, :].expand(side, side)
    grid = torch.stack([columns, columns.T], dim=-1).expand(count, side, side, 2)
    moves = torch.randint(0, 2 * pad + 1, (count, 1, 1, 2), device=pixels.device, dtype=pixels.dtype)
    return F.grid_sample(padded, grid + moves * step, padding_mode="zeros", align_corners=False)
