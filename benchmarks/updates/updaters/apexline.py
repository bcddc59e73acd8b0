"""apexline's update as in the preset, and with a single critic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from torch import nn

from apexline.agent import DDPG, make_update
from apexline.agent.config import PrecisionName
from benchmarks.updates.updaters.updater import Setting, Updater


class Apexline(Updater):
    name = "apexline"
    critics: ClassVar[Literal[1, 2]] = 2
    notes = (
        "as in the preset: encoders in bfloat16, LayerNorm in hidden layers, no target actor, weight average"
    )
    precision: ClassVar[PrecisionName] = "bf16"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        config = replace(setting.config.agent, num_critics=self.critics, precision=self.precision)
        ones = np.ones(2, np.float32)
        self.agent = DDPG(config, setting.shape, -ones, ones, device=setting.device)
        self._update = make_update(self.agent, setting.batch)
        self.replay = setting.filled_replay().replay

    def update(self) -> None:
        _, self._metrics = self._update(self.setting.batch)

    def replay_update(self) -> None:
        drawn = self.replay.sample(self.setting.config.learning.batch_size, as_torch=True)
        batch = drawn.map(lambda tensor: tensor.to(self.setting.device, non_blocking=True))
        errors, self._metrics = self._update(batch)
        self.replay.update_priorities(drawn.indices, errors.cpu())

    def losses(self) -> Mapping[str, float]:
        return {name: float(self._metrics[f"losses/{name}"]) for name in ("critic", "actor")}

    def networks(self) -> Mapping[str, nn.Module]:
        networks = self.agent.networks
        return {
            "encoder": networks.critic_encoder,
            "critic": networks.critic,
            "actor": networks.actor,
            "targets": networks.targets,
        }


class ApexlineSingle(Apexline):
    name = "apexline, one critic"
    critics = 1
    notes = "the preset with `num_critics=1`"


class ApexlineFloat(Apexline):
    name = "apexline, one critic, float32"
    critics = 1
    notes = "the preset with `num_critics=1` and `precision=fp32`, as the others compute"
    precision = "fp32"
