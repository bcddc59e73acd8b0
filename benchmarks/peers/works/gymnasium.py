"""gymnasium: the stock environment with Box2D and pygame."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AsyncVectorEnv
from numpy.typing import NDArray

from benchmarks.peers.works.games import Games, SingleGame
from benchmarks.peers.works.protocol import serve


def make_game() -> gym.Env[NDArray[np.uint8], NDArray[np.float32]]:
    return gym.make("CarRacing-v3", disable_env_checker=True)


class Single(SingleGame):
    def make_env(self) -> gym.Env[NDArray[np.uint8], NDArray[np.float32]]:
        return make_game()


class Asynchronous(Games):
    games = 2
    cores = 2
    notes = (
        "`AsyncVectorEnv`, one process per environment, shared memory",
        "resets an environment in the step after its end",
    )

    def make(self) -> None:
        self.env = AsyncVectorEnv([make_game] * self.games)
        self.env.reset(seed=0)

    def play(self, actions: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.floating[Any]]]:
        frames, rewards, *_ = self.env.step(actions)
        return frames, rewards


if __name__ == "__main__":
    serve({"game": Single, "games-async": Asynchronous}, ["gymnasium", "numpy", "Box2D", "pygame-ce"])
