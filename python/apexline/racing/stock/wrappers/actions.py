"""Gas and brake on one axis, and random driving that gets somewhere."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from apexline.racing.types import Env

THROTTLE_CHANCE = 0.8
"""Random driving brakes in the other fifth of its steps; uniform pedals would leave the car standing."""


class PedalAction(gym.ActionWrapper[Any, Any, Any]):
    """Takes (steer, pedal), each in [-1, 1]: gas = max(pedal, 0) and brake = max(-pedal, 0)."""

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.action_space = gym.spaces.Box(-1, 1, (2,), np.float32)

    def action(self, action: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        steer, pedal = action
        return np.array([steer, max(pedal, 0), max(-pedal, 0)], np.float32)


def random_driving(rng: np.random.Generator, num: int, pedal: bool) -> npt.NDArray[np.float32]:
    """Draws `num` actions, float32: (num, 2) in [-1, 1] with `pedal`, else (num, 3) as steer, gas, brake.

    Steering is uniform. The pedal is pressed by a uniform amount, as throttle 8 times in 10. On three axes
    the gas is uniform in [0, 1]; so is the brake in 2 of 10 actions, and 0 in the others.
    """
    steer = rng.uniform(-1, 1, num)
    pressed = rng.uniform(0, 1, num)
    throttle = rng.random(num) < THROTTLE_CHANCE
    if pedal:
        axes = [steer, np.where(throttle, pressed, -pressed)]
    else:
        axes = [steer, pressed, np.where(throttle, 0, rng.uniform(0, 1, num))]
    return np.stack(axes, axis=1).astype(np.float32)
