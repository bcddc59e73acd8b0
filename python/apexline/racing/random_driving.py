"""Random actions that drive forwards."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from apexline.racing.validation import require_integer

THROTTLE_PROBABILITY = 0.8
"""Else the action brakes. With throttle and brake equally likely, the car would hardly move."""


def random_driving(rng: np.random.Generator, num: int, pedal: bool) -> npt.NDArray[np.float32]:
    """Returns `num` random actions, float32: (num, 2) steer, pedal with `pedal`, else (num, 3) steer, gas, brake.

    Steering is uniform in [-1, 1]. The pedal is uniform in [0, 1] with probability 0.8, else uniform in [-1, 0]. On
    three axes the gas is uniform in [0, 1]; the brake is 0 with probability 0.8, else uniform in [0, 1].
    """
    require_integer("num", num, 0)
    steer = rng.uniform(-1, 1, num)
    pressed = rng.uniform(0, 1, num)
    throttle = rng.random(num) < THROTTLE_PROBABILITY
    if pedal:
        axes = [steer, np.where(throttle, pressed, -pressed)]
    else:
        axes = [steer, pressed, np.where(throttle, 0, rng.uniform(0, 1, num))]
    return np.stack(axes, axis=1).astype(np.float32)
