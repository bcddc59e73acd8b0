"""The vectorized native environment, stepped and reset as during training."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from apexline.racing import GameOptions, make_vector
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


class NativeSize(Workload):
    """One step of all environments with another size of images; the reference has images of 96x96x3."""

    reference_name = "the same step with 96x96x3"
    size: ClassVar[int | tuple[int, int]]

    EPISODE = 500
    """Steps before all environments are reset; the car circles on."""

    _actions = np.tile(np.array([CIRCLING[0], CIRCLING[1], 0], np.float32), (GAMES, 1))

    def __init__(self) -> None:
        self.env = make_vector(GameOptions(frame_size=self.size), GAMES, num_threads=1)
        self.whole = make_vector(GameOptions(), GAMES, num_threads=1)
        self.begin()

    def prepare(self) -> None:
        if max(self._steps, self._whole_steps) >= self.EPISODE:
            self.begin()

    def run(self) -> NDArray[np.uint8]:
        self._steps += 1
        frames: NDArray[np.uint8] = self.env.step(self._actions)[0]
        return frames

    def reference(self) -> NDArray[np.uint8]:
        self._whole_steps += 1
        frames: NDArray[np.uint8] = self.whole.step(self._actions)[0]
        return frames

    def begin(self) -> None:
        self.env.reset(seed=0)
        self.whole.reset(seed=0)
        self._steps = self._whole_steps = 0


class NativeSize64(NativeSize):
    """64x64x3, as world models use it."""

    name = "native-size-64"
    size = 64


class NativeSize95(NativeSize):
    """95x95x3, one of the sizes that cost most."""

    name = "native-size-95"
    size = 95
