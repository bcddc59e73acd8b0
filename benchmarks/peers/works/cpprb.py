"""cpprb: a prioritized buffer in C++ and Cython."""

from __future__ import annotations

from typing import Any

import numpy as np
from cpprb import PrioritizedReplayBuffer
from numpy.typing import ArrayLike, NDArray

from benchmarks.peers.works import episodes
from benchmarks.peers.works.episodes import STEPS, TRANSITIONS, Episode, Replay
from benchmarks.peers.works.leaves import BATCH, Tree
from benchmarks.peers.works.protocol import serve

OBS = {"shape": (episodes.SIDE, episodes.SIDE, episodes.STACK), "dtype": np.uint8}
FIELDS = {"obs": OBS, "act": {"shape": episodes.ACTION_SHAPE}, "rew": {}, "done": {}}


class CpprbTree(Tree):
    """Its trees are private; a buffer that stores one byte per leaf is the closest public API."""

    notes = (
        "a buffer of one byte per leaf: includes that byte, a minimum tree, importance weights and powers",
        "float32",
    )

    def fill(self, priorities: NDArray[np.float64]) -> None:
        self.buffer = PrioritizedReplayBuffer(
            len(priorities), {"byte": {"dtype": np.uint8}}, alpha=1.0, eps=0.0
        )
        self.buffer.add(byte=np.zeros(len(priorities), np.uint8), priorities=priorities.astype(np.float32))

    def draw(self) -> ArrayLike:
        indices: ArrayLike = self.buffer.sample(BATCH)["indexes"]
        return indices

    def arguments(self, indices: NDArray[np.int64], priorities: NDArray[np.float64]) -> tuple[Any, Any]:
        return indices.astype(np.uint64), priorities.astype(np.float32)

    def put(self, indices: Any, priorities: Any) -> None:
        self.buffer.update_priorities(indices, priorities)


class CpprbReplay(Replay):
    n_step = 1
    notes = (
        "n_step 1: with `next_of` and `Nstep` together, batches lack next_obs",
        "PER",
        "`stack_compress` and `next_of`: frames stored once",
        "obs is (84, 84, 4)",
    )

    def make(self) -> PrioritizedReplayBuffer:
        return PrioritizedReplayBuffer(
            TRANSITIONS,
            FIELDS,
            alpha=episodes.ALPHA,
            eps=episodes.EPSILON,
            next_of="obs",
            stack_compress="obs",
        )

    def fill(self) -> None:
        self.buffer = self.make()
        for number in range(TRANSITIONS // STEPS):
            episode = Episode.make(number)
            obs, next_obs = (np.moveaxis(stack, 1, -1) for stack in (episode.obs, episode.next_obs))
            for step in range(STEPS):
                self.buffer.add(
                    obs=obs[step],
                    act=episode.action[step],
                    rew=episode.reward[step],
                    next_obs=next_obs[step],
                    done=episode.terminated[step],
                )
            self.buffer.on_episode_end()
        assert self.buffer.get_stored_size() == TRANSITIONS

    def draw(self) -> dict[str, NDArray[Any]]:
        batch: dict[str, NDArray[Any]] = self.buffer.sample(episodes.BATCH, beta=episodes.BETA)
        return batch

    def fields(self, batch: dict[str, NDArray[Any]]) -> tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]:
        obs, next_obs = (np.moveaxis(batch[name], -1, 1) for name in ("obs", "next_obs"))
        return obs, batch["act"], batch["rew"], next_obs

    def indices(self, batch: dict[str, NDArray[Any]]) -> Any:
        return batch["indexes"]

    def errors(self, errors: NDArray[np.float64]) -> Any:
        return errors.astype(np.float32)

    def put(self, indices: Any, errors: Any) -> None:
        self.buffer.update_priorities(indices, errors)


class CpprbReplay3(CpprbReplay):
    n_step = 3
    notes = (
        "n_step 3",
        "PER",
        "`stack_compress` of obs alone, next_obs stored whole (see the row above)",
        "obs is (84, 84, 4)",
    )

    def make(self) -> PrioritizedReplayBuffer:
        return PrioritizedReplayBuffer(
            TRANSITIONS,
            FIELDS | {"next_obs": OBS},
            alpha=episodes.ALPHA,
            eps=episodes.EPSILON,
            stack_compress="obs",
            Nstep={"size": self.n_step, "rew": "rew", "gamma": episodes.GAMMA, "next": "next_obs"},
        )


if __name__ == "__main__":
    works = {"tree": CpprbTree, "replay": CpprbReplay, "replay-3": CpprbReplay3}
    serve(works, ["cpprb", "numpy"])
