"""The stock environment with apexline's wrappers."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from apexline.racing import GameOptions, make_env
from benchmarks.ratios.workloads.workload import Workload

OPTIONS = GameOptions(
    action_repeat=4, crop_hud=True, gray=True, frame_size=42, pedal=True, max_episode_frames=1000
)
CIRCLING = np.array([0.3, 0.1], np.float32)
"""Steering and pedal that keep the car near its start."""


class EnvStep(Workload):
    """The reference steps the same frames without wrappers: four steps, each with an image."""

    name = "env-step"
    reference_name = "four plain steps of CarRacing-v3"

    EPISODE = 200
    """Steps before both environments are reset; the game ends an episode after 250."""

    def __init__(self) -> None:
        self.env = make_env(OPTIONS, backend="gymnasium")
        self.plain = gym.make("CarRacing-v3", disable_env_checker=True)
        self.begin()

    def prepare(self) -> None:
        if max(self._steps, self._plain_steps) >= self.EPISODE:
            self.begin()

    def run(self) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        self._steps += 1
        return self.env.step(CIRCLING)

    def reference(self) -> Any:
        self._plain_steps += 1
        steer, gas = CIRCLING
        action = np.array([steer, gas, 0], np.float32)
        for _ in range(OPTIONS.action_repeat):
            image, *_ = self.plain.step(action)
        return image

    def begin(self) -> None:
        self.env.reset(seed=0)
        self.plain.reset(seed=0)
        self._steps = self._plain_steps = 0
