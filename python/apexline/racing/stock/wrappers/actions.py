"""Gas and brake on one axis."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from apexline.racing.types import Env


class PedalAction(gym.ActionWrapper[Any, Any, Any]):
    """Takes (steer, pedal), each in [-1, 1]: gas = max(pedal, 0) and brake = max(-pedal, 0)."""

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.action_space = gym.spaces.Box(-1, 1, (2,), np.float32)

    def action(self, action: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        steer, pedal = action
        return np.array([steer, max(pedal, 0), max(-pedal, 0)], np.float32)
