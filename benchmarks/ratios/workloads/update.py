"""Updates of the preset `cpu` on one torch thread: the agent alone, and the learner with its replay."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from apexline.agent import DDPG
from apexline.replay import TensorBatch
from apexline.training import preset
from apexline.training.learning.learner import Learner
from benchmarks.ratios.workloads.replay import FilledReplay, random_frames
from benchmarks.ratios.workloads.workload import Workload

PRESET = preset("cpu")
SHAPE = (PRESET.replay.frame_stack, *PRESET.game.frame_shape)
BATCH = PRESET.learning.batch_size


class UpdateWorkload(Workload):
    """The reference is a forward and a backward pass of three convolutions in the preset's precision."""

    reference_name = "forward, backward of 3 convolutions"

    def __init__(self) -> None:
        torch.set_num_threads(1)
        ones = np.ones(2, np.float32)
        self.agent = DDPG(PRESET.agent, SHAPE, -ones, ones)
        self._convolutions = nn.Sequential(
            nn.Conv2d(SHAPE[0], 24, 4, 2), nn.ReLU(), nn.Conv2d(24, 32, 4, 2), nn.ReLU(), nn.Conv2d(32, 32, 3)
        ).to(torch.bfloat16)
        self._convolutions.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._images = torch.rand(BATCH, *SHAPE).to(torch.bfloat16, memory_format=torch.channels_last)

    def reference(self) -> None:
        loss = self._convolutions(self._images).sum()
        torch.autograd.grad(loss, list(self._convolutions.parameters()))


class UpdateAgent(UpdateWorkload):
    name = "update-agent"

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self._batch = TensorBatch(
            obs=torch.randint(256, (BATCH, *SHAPE), dtype=torch.uint8, generator=generator),
            next_obs=torch.randint(256, (BATCH, *SHAPE), dtype=torch.uint8, generator=generator),
            action=torch.rand(BATCH, 2, generator=generator),
            reward=torch.randn(BATCH, generator=generator),
            discount=torch.full((BATCH,), PRESET.replay.gamma**PRESET.replay.n_step),
            weights=torch.ones(BATCH),
            indices=torch.arange(BATCH),
            extras={},
        )

    def run(self) -> tuple[Tensor, Mapping[str, Tensor]]:
        return self.agent.update(self._batch)


class UpdateLearner(UpdateWorkload):
    name = "update-learner"

    def __init__(self) -> None:
        super().__init__()
        self.filled = FilledReplay(
            random_frames(2_500, PRESET.game.frame_shape[-1]),
            capacity=20_000,
            frame_stack=PRESET.replay.frame_stack,
            shift=int(PRESET.replay.shift.start),
        )
        self.learner = Learner(self.agent, self.filled.replay, BATCH)

    def run(self) -> None:
        self.learner.update()
