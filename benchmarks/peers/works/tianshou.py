"""Tianshou: a segment tree compiled by Numba, and a buffer that stacks frames when sampling."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from tianshou.data import Batch, PrioritizedVectorReplayBuffer, SegmentTree

from benchmarks.peers.works import episodes
from benchmarks.peers.works.episodes import STEPS, TRANSITIONS, Episode, Replay
from benchmarks.peers.works.leaves import BATCH, Tree
from benchmarks.peers.works.protocol import serve


class TianshouTree(Tree):
    notes = ("samples as its prioritized buffer does",)

    def fill(self, priorities: NDArray[np.float64]) -> None:
        self.tree = SegmentTree(len(priorities))
        self.tree[np.arange(len(priorities))] = priorities

    def draw(self) -> ArrayLike:
        masses = np.random.rand(BATCH) * self.tree.reduce()  # noqa: NPY002 - as its buffer does
        indices: ArrayLike = self.tree.get_prefix_sum_idx(masses)
        return indices

    def put(self, indices: Any, priorities: Any) -> None:
        self.tree[indices] = priorities


class TianshouReplay(Replay):
    n_step = 1
    notes = (
        "n_step 1: the algorithm computes n-step returns, not the buffer",
        "PER, epsilon fixed at 1.2e-7",
        "frames stored once (`ignore_obs_next`, `save_only_last_obs`)",
    )

    def fill(self) -> None:
        self.buffer = PrioritizedVectorReplayBuffer(
            TRANSITIONS,
            1,
            alpha=episodes.ALPHA,
            beta=episodes.BETA,
            stack_num=episodes.STACK,
            ignore_obs_next=True,
            save_only_last_obs=True,
        )
        for number in range(TRANSITIONS // STEPS):
            episode = Episode.make(number)
            for step in range(STEPS):
                one = slice(step, step + 1)
                self.buffer.add(
                    Batch(
                        obs=episode.obs[one],
                        act=episode.action[one],
                        rew=episode.reward[one],
                        terminated=episode.terminated[one],
                        truncated=np.zeros(1, bool),
                        obs_next=episode.next_obs[one],
                    )
                )
        assert len(self.buffer) == TRANSITIONS

    def draw(self) -> Any:
        return self.buffer.sample(episodes.BATCH)

    def fields(self, batch: Any) -> tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]:
        drawn, _ = batch
        return drawn.obs, drawn.act, drawn.rew, drawn.obs_next

    def indices(self, batch: Any) -> Any:
        _, indices = batch
        return indices

    def put(self, indices: Any, errors: Any) -> None:
        self.buffer.update_weight(indices, errors)


if __name__ == "__main__":
    torch.set_num_threads(1)
    works = {"tree": TianshouTree, "replay": TianshouReplay}
    serve(works, ["tianshou", "numpy", "numba", "torch"])
