"""apexline, the base of all ratios."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apexline import Batch, PrioritizedFrameReplay, SumTree, _core
from apexline.racing import CarRacingEnv, CarRacingVectorEnv
from benchmarks.peers.works import episodes
from benchmarks.peers.works.episodes import STEPS, Episode, Replay
from benchmarks.peers.works.games import Games, SingleGame
from benchmarks.peers.works.leaves import BATCH, MILLION, Tree
from benchmarks.peers.works.protocol import serve


class ApexlineTree(Tree):
    def fill(self, priorities: NDArray[np.float64]) -> None:
        self.tree = SumTree(len(priorities))
        self.tree[np.arange(len(priorities))] = priorities

    def draw(self) -> ArrayLike:
        return self.tree.sample(BATCH)

    def put(self, indices: Any, priorities: Any) -> None:
        self.tree[indices] = priorities


class LargeTree(ApexlineTree):
    leaves = 16 * MILLION
    notes = ("16M leaves",)


class ApexlineReplay(Replay):
    num_envs = 1
    notes: Sequence[str] = (
        "n_step 3",
        "PER",
        "stratified sampling",
        "frames stored once, stacked when sampled",
    )

    def fill(self) -> None:
        count = self.transitions // STEPS
        self.buffer = PrioritizedFrameReplay(
            capacity=count * (STEPS + 1),  # an episode needs a slot for its last frame
            num_envs=self.num_envs,
            frame_shape=episodes.OBS_SHAPE[1:],
            action_shape=episodes.ACTION_SHAPE,
            frame_stack=episodes.STACK,
            n_step=episodes.N_STEP,
            gamma=episodes.GAMMA,
            alpha=episodes.ALPHA,
            beta=episodes.BETA,
            epsilon=episodes.EPSILON,
            shift=0,
            num_threads=1,
        )
        for first in range(0, count, self.num_envs):
            batch = [Episode.make(first + env) for env in range(self.num_envs)]
            frames, actions, rewards, terminated = (
                np.stack([getattr(episode, field) for episode in batch], axis=1)
                for field in ("obs", "action", "reward", "terminated")
            )
            final = np.stack([episode.next_obs[-1, -1] for episode in batch])
            truncated = np.zeros(self.num_envs, bool)
            for step in range(STEPS):
                self.buffer.add(
                    frames[step, :, -1], actions[step], rewards[step], terminated[step], truncated, final
                )
        assert len(self.buffer) == self.transitions, f"{len(self.buffer)} transitions can be sampled"

    def draw(self) -> Batch:
        return self.buffer.sample(episodes.BATCH)

    def fields(self, batch: Batch) -> tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]:
        return batch.obs, batch.action, batch.reward, batch.next_obs

    def indices(self, batch: Batch) -> Any:
        return batch.indices

    def put(self, indices: Any, errors: Any) -> None:
        self.buffer.update_priorities(indices, errors)


class LargeReplay(ApexlineReplay):
    num_envs = 8
    transitions = 100_000
    notes = ("100k transitions of 8 environments", *ApexlineReplay.notes)


class ApexlineGames(Games):
    notes = ("resets an environment in the step after its end",)

    def make(self) -> None:
        self.env = CarRacingVectorEnv(self.games, num_threads=self.cores)
        self.env.reset(seed=0)

    def play(self, actions: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.floating[Any]]]:
        frames, rewards, *_ = self.env.step(actions)
        return frames, rewards


class ApexlineGames2(ApexlineGames):
    cores = 2


class ApexlineGame(SingleGame):
    def make_env(self) -> CarRacingEnv:
        return CarRacingEnv(max_episode_frames=1000)


if __name__ == "__main__":
    works = {
        "tree": ApexlineTree,
        "tree-16M": LargeTree,
        "replay": ApexlineReplay,
        "replay-100k": LargeReplay,
        "games": ApexlineGames,
        "games-2": ApexlineGames2,
        "game": ApexlineGame,
    }
    isa = _core.isa() if callable(_core.isa) else _core.isa
    serve(works, ["apexline", "numpy"], compiler=_core.compiler, ISA=isa)
