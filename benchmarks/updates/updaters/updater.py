"""The interface of an updater, and the setting that all updaters share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from apexline.replay import TensorBatch
from apexline.training import TrainConfig
from benchmarks.ratios.workloads.replay import FilledReplay, random_frames

STORED = 5_000
"""Transitions in a replay: far more frames than a CPU cache holds."""
NUM_ENVS = 8


@dataclass(frozen=True)
class Setting:
    """A preset's networks, batch and constants, on a device."""

    config: TrainConfig
    device: torch.device
    threads: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an observation: (frame_stack, H, W)."""
        return (self.config.replay.frame_stack, *self.config.game.frame_shape)

    @property
    def trunk_features(self) -> int:
        """Width of the bottleneck between encoder and head."""
        width = self.config.agent.trunk_features
        assert width is not None, "the compared presets have a bottleneck"
        return width

    @cached_property
    def batch(self) -> TensorBatch:
        """Random data on the device."""
        generator = torch.Generator().manual_seed(0)
        size = self.config.learning.batch_size
        images = [
            torch.randint(256, (size, *self.shape), dtype=torch.uint8, generator=generator) for _ in "ab"
        ]
        batch = TensorBatch(
            obs=images[0],
            next_obs=images[1],
            action=torch.rand(size, 2, generator=generator) * 2 - 1,
            reward=torch.randn(size, generator=generator),
            discount=torch.full((size,), self.config.replay.gamma**self.config.replay.n_step),
            weights=torch.ones(size),
            indices=torch.arange(size),
            extras={},
        )
        return batch.map(lambda tensor: tensor.to(self.device))

    def filled_replay(self) -> FilledReplay:
        """apexline's replay as in the preset, full of random frames."""
        return FilledReplay(
            random_frames(STORED // NUM_ENVS, self.config.game.frame_shape[-1]),
            capacity=STORED,
            frame_stack=self.config.replay.frame_stack,
            shift=int(self.config.replay.shift.start),
            num_threads=self.threads,
        )


class Updater(ABC):
    """A learner ready to update. Each call of `update` is a whole gradient update: critic, actor, target networks."""

    name: ClassVar[str]
    critics: ClassVar[Literal[1, 2]]
    notes: ClassVar[str]
    """Differences from the other updaters."""
    has_replay: ClassVar[bool] = True

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    @abstractmethod
    def update(self) -> None:
        """One update on the setting's batch."""

    @abstractmethod
    def replay_update(self) -> None:
        """One update on a batch of its own replay, whose priorities are updated if it has any."""

    @abstractmethod
    def losses(self) -> Mapping[str, float]:
        """Losses of the last update by name."""

    @abstractmethod
    def networks(self) -> Mapping[str, nn.Module]:
        """Networks that an update must change by name: encoder, critic, actor and target networks."""

    def check(self) -> None:
        """Updates once. Raises AssertionError if a loss is not finite or a network did not change."""
        for step in (self.update, *([self.replay_update] if self.has_replay else [])):
            before = {name: flat(network) for name, network in self.networks().items()}
            step()
            for name, loss in self.losses().items():
                assert np.isfinite(loss), f"{self.name}: the {name} loss is {loss}"
            for name, network in self.networks().items():
                after = flat(network)
                assert torch.isfinite(after).all(), f"{self.name}: a weight of the {name} is not finite"
                assert not torch.equal(before[name], after), f"{self.name}: the {name} did not change"


def flat(network: nn.Module) -> Tensor:
    """A flat copy of all parameters."""
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()]).clone()
