"""stable-baselines3's DDPG: `train(gradient_steps=1)` of its own class on a policy with the same layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import DDPG
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from torch import Tensor, nn

from benchmarks.updates.updaters.plain import Encoder, trunk
from benchmarks.updates.updaters.updater import STORED, Setting, Updater


class StableBaselines3(Updater):
    name = "stable-baselines3 DDPG"
    critics = 1
    notes = "its default: an encoder each for actor and critic; target actor, loop over parameters, reads both losses"
    shared: ClassVar[bool] = False

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        config = setting.config
        self.model = DDPG(
            "CnnPolicy",
            SpacesOnly(setting),
            learning_rate=config.agent.critic_lr.start,
            buffer_size=STORED,
            batch_size=config.learning.batch_size,
            tau=config.agent.tau,
            gamma=config.replay.gamma,
            n_steps=config.replay.n_step,
            policy_kwargs={
                "features_extractor_class": Extractor,
                "features_extractor_kwargs": {"setting": setting},
                "net_arch": list(config.agent.hidden),
                "share_features_extractor": self.shared,
            },
            seed=0,
            device=setting.device,
        )
        self.model.set_logger(Logger(None, []))
        assert self.model.replay_buffer is not None
        self._replay = self.model.replay_buffer
        fill(self._replay)
        batch = setting.batch
        self._fixed = Fixed(
            ReplayBufferSamples(
                observations=batch.obs,
                actions=batch.action,
                next_observations=batch.next_obs,
                dones=torch.zeros_like(batch.reward)[:, None],
                rewards=batch.reward[:, None],
                discounts=batch.discount[:, None],
            )
        )

    def update(self) -> None:
        self._train(self._fixed)

    def replay_update(self) -> None:
        self._train(self._replay)

    def _train(self, source: Any) -> None:
        self.model.replay_buffer = source
        self.model.train(gradient_steps=1, batch_size=self.setting.config.learning.batch_size)

    def losses(self) -> Mapping[str, float]:
        values = self.model.logger.name_to_value
        return {name: float(values[f"train/{name}_loss"]) for name in ("critic", "actor")}

    def networks(self) -> Mapping[str, nn.Module]:
        policy = self.model.policy
        return {
            "encoder": policy.actor.features_extractor,
            "critic": policy.critic,
            "actor": policy.actor,
            "target critic": policy.critic_target,
            "target actor": policy.actor_target,
        }


class StableBaselines3Shared(StableBaselines3):
    name = "stable-baselines3 DDPG, shared encoder"
    notes = (
        "`share_features_extractor=True`: one encoder, trained by the actor's loss, run five times per update"
    )
    shared = True


class Extractor(BaseFeaturesExtractor):
    """Encoder and trunk; stable-baselines3 divides the pixels by 255 before."""

    def __init__(self, observation_space: gymnasium.Space[Any], setting: Setting) -> None:
        super().__init__(observation_space, setting.trunk_features)
        encoder = Encoder(setting)
        self.layers = nn.Sequential(encoder, trunk(encoder.num_features, setting))

    def forward(self, pixels: Tensor) -> Tensor:
        features: Tensor = self.layers(pixels)
        return features


class SpacesOnly(gymnasium.Env[Any, Any]):
    """The spaces of the policy; never stepped."""

    def __init__(self, setting: Setting) -> None:
        self.observation_space = spaces.Box(0, 255, setting.shape, np.uint8)
        self.action_space = spaces.Box(-1, 1, (2,), np.float32)


class Fixed:
    """A replay that always returns the same batch."""

    def __init__(self, batch: ReplayBufferSamples) -> None:
        self._batch = batch

    def sample(self, batch_size: int, env: object = None) -> ReplayBufferSamples:
        del batch_size, env
        return self._batch


def fill(replay: ReplayBuffer) -> None:
    """Stores noise until the replay is full, in episodes of 250 steps."""
    rng = np.random.default_rng(0)
    shape = replay.observation_space.shape
    assert shape is not None
    images = rng.integers(0, 256, (64, 1, *shape), np.uint8)
    for step in range(STORED):
        replay.add(
            images[step % 64],
            images[(step + 1) % 64],
            rng.uniform(-1, 1, (1, 2)),
            rng.standard_normal(1),
            np.array([step % 250 == 249]),
            [{}],
        )
    assert replay.full
