"""The vectorized native environment, stepped and reset as during training."""

from __future__ import annotations

from typing import Any, cast

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from apexline.racing import make_vector
from benchmarks.ratios.workloads.env import CIRCLING, OPTIONS
from benchmarks.ratios.workloads.workload import Workload

GAMES = 16


class NativeWorkload(Workload):
    """The reference is the stock game without drawing, which takes 98% of its time and would exceed a round."""

    def __init__(self) -> None:
        self.env = make_vector(OPTIONS, GAMES, num_threads=1)
        self.undrawn = cast(Any, gym.make("CarRacing-v3", disable_env_checker=True).unwrapped)
        self.undrawn._render = lambda _: None
        self.begin()

    def begin(self) -> None:
        self.env.reset(seed=0)
        self.undrawn.reset(seed=0)


class NativeStep(NativeWorkload):
    """One step of all environments: 64 frames and 16 images."""

    name = "native-step"
    reference_name = "four undrawn steps of CarRacing-v3"

    EPISODE = 200
    """Steps before all environments are reset; the game ends an episode after 250."""

    _actions = np.tile(CIRCLING, (GAMES, 1))

    def prepare(self) -> None:
        if max(self._steps, self._undrawn_steps) >= self.EPISODE:
            self.begin()

    def run(self) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], Any]:
        self._steps += 1
        return self.env.step(self._actions)

    def reference(self) -> None:
        self._undrawn_steps += 1
        steer, gas = CIRCLING
        action = np.array([steer, gas, 0], np.float32)
        for _ in range(OPTIONS.action_repeat):
            self.undrawn.step(action)

    def begin(self) -> None:
        super().begin()
        self._steps = self._undrawn_steps = 0


class NativeReset(NativeWorkload):
    """Reset of 16 environments: new tracks and first images."""

    name = "native-reset"
    reference_name = "an undrawn reset of CarRacing-v3"

    def run(self) -> NDArray[np.uint8]:
        frames, _ = self.env.reset()
        return frames

    def reference(self) -> None:
        self.undrawn.reset()
