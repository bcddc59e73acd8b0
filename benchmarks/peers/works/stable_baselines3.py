"""Stable-Baselines3: uniform buffers in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import ArrayLike
from stable_baselines3.common.buffers import NStepReplayBuffer, ReplayBuffer

from benchmarks.peers.works import episodes
from benchmarks.peers.works.episodes import STEPS, TRANSITIONS, Episode, Replay
from benchmarks.peers.works.protocol import serve


class StableReplay(Replay):
    n_step = 1
    prioritized = False
    calls = ("sample",)
    notes: Sequence[str] = (
        "uniform, no PER: no priorities and no weights",
        "n_step 1",
        "stores whole stacks and next stacks",
        "returns tensors",
    )
    kind: ClassVar[type[ReplayBuffer]] = ReplayBuffer
    options: ClassVar[dict[str, Any]] = {}

    def fill(self) -> None:
        self.buffer = self.kind(
            TRANSITIONS,
            spaces.Box(0, 255, episodes.OBS_SHAPE, np.uint8),
            spaces.Box(-1, 1, episodes.ACTION_SHAPE, np.float32),
            device="cpu",
            **self.options,
        )
        for number in range(TRANSITIONS // STEPS):
            episode = Episode.make(number)
            for step in range(STEPS):
                one = slice(step, step + 1)
                self.buffer.add(
                    episode.obs[one],
                    episode.next_obs[one],
                    episode.action[one],
                    episode.reward[one],
                    episode.terminated[one],
                    [{}],
                )
        assert self.buffer.full

    def draw(self) -> Any:
        return self.buffer.sample(episodes.BATCH)

    def fields(self, batch: Any) -> tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]:
        return batch.observations, batch.actions, batch.rewards, batch.next_observations


class StableReplay3(StableReplay):
    n_step = 3
    notes = ("`NStepReplayBuffer`", StableReplay.notes[0], "n_step 3", *StableReplay.notes[2:])
    kind = NStepReplayBuffer
    options: ClassVar[dict[str, Any]] = {"n_steps": 3, "gamma": episodes.GAMMA}


if __name__ == "__main__":
    torch.set_num_threads(1)
    works = {"replay": StableReplay, "replay-3": StableReplay3}
    serve(works, ["stable-baselines3", "numpy", "torch"])
