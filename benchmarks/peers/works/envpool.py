"""EnvPool: CarRacing in C++ with Box2D and its own rasterizer, on threads."""

from __future__ import annotations

from typing import Any

import envpool
import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.works.games import Games
from benchmarks.peers.works.protocol import serve


class Pool(Games):
    notes = ("synchronous", "resets an environment in the step after its end")

    def make(self) -> None:
        self.env = envpool.make(
            "CarRacing-v3",
            env_type="gymnasium",
            num_envs=self.games,
            batch_size=self.games,
            num_threads=self.cores,
            seed=0,
        )
        self.env.reset()

    def play(self, actions: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.floating[Any]]]:
        frames, rewards, *_ = self.env.step(actions)
        return frames, rewards


class Pool2(Pool):
    cores = 2


if __name__ == "__main__":
    serve({"games": Pool, "games-2": Pool2}, ["envpool", "gymnasium", "numpy"])
