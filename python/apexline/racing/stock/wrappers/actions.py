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

    def action(self, action: npt.ArrayLike) -> npt.NDArray[np.floating[Any]]:
        """Keeps the precision of floats; other numbers become float64, as which the game computes."""
        given = np.asarray(action)
        steer, pedal = given if np.issubdtype(given.dtype, np.floating) else given.astype(np.float64)
        return np.array([steer, max(pedal, 0), max(-pedal, 0)], np.result_type(steer))
