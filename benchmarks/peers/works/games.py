"""The work of the environments: CarRacing-v3, one frame per step, random driving, resets at ends of episodes."""

from __future__ import annotations

from abc import abstractmethod
from itertools import cycle
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.works.protocol import Work

GAMES = 16
ZOOM = 60
"""Frames before the first burst: during the zoom of the first 49, images take a different time."""
STEPS = 1000
"""Random actions before they repeat."""
IMAGE = (96, 96, 3)


def random_driving(steps: int, games: int) -> NDArray[np.float32]:
    """Actions (steps, games, 3) float32: steering in [-1, 1], gas in [0, 1], brake in [0, 1] in one of five."""
    rng = np.random.default_rng(0)
    steer = rng.uniform(-1, 1, (steps, games))
    gas = rng.uniform(0, 1, (steps, games))
    brake = np.where(rng.random((steps, games)) < 0.2, rng.uniform(0, 1, (steps, games)), 0)
    return np.stack([steer, gas, brake], axis=-1).astype(np.float32)


class Games(Work):
    """A peer implements how its environments are made and stepped."""

    calls = ("step",)
    games: ClassVar[int] = GAMES
    cores: ClassVar[int] = 1
    """Threads or processes that step the environments."""

    def __init__(self) -> None:
        self.facts = {"games": self.games, "cores": self.cores}
        self.make()
        self._actions = cycle(random_driving(STEPS, self.games))

    @abstractmethod
    def make(self) -> None:
        """Creates `games` environments on `cores` cores and resets them."""

    @abstractmethod
    def play(self, actions: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.floating[Any]]]:
        """Steps every environment, actions (games, 3): observations (games, 96, 96, 3) and rewards (games,)."""

    def step(self) -> None:
        self.play(next(self._actions))

    def check(self) -> None:
        """Checks images and rewards until the end of the zoom."""
        played = [tuple(np.array(result) for result in self.play(next(self._actions))) for _ in range(ZOOM)]
        frames, rewards = (np.stack(results) for results in zip(*played, strict=True))
        assert frames.shape == (ZOOM, self.games, *IMAGE), f"images are {frames.shape[1:]}"
        assert frames.dtype == np.uint8, f"images are {frames.dtype}"
        assert (frames[1:] != frames[:-1]).any(axis=(2, 3, 4)).all(), "an image did not change"
        assert all((frames[-1, 0] != other).any() for other in frames[-1, 1:]), "two environments are equal"
        # The reset visits the first two of 200 to 400 tiles, rewarded in the first step.
        assert ((rewards[0] > 4) & (rewards[0] < 10)).all(), f"first rewards are {rewards[0]}"
        assert abs(np.median(rewards) + 0.1) < 1e-5, "the reward of a frame without a tile is not -0.1"


class SingleGame(Games):
    """One environment with gymnasium's API."""

    games = 1
    notes = ("one environment, reset by the caller",)

    @abstractmethod
    def make_env(self) -> Any:
        """Creates the environment."""

    def make(self) -> None:
        self.env = self.make_env()
        self.env.reset(seed=0)

    def play(self, actions: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.floating[Any]]]:
        frame, reward, terminated, truncated, _ = self.env.step(actions[0])
        if terminated or truncated:
            frame, _ = self.env.reset()
        return frame[None], np.array([reward])
