"""Observations of another size than 96x96 from the stock game, scaled from its surface as the game scales it."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from apexline.racing.options import FULL_SIDE, LEAST_SCALED, SURFACE_SIZE
from apexline.racing.stock.protocols import game_of
from apexline.racing.types import Env, Frame
from apexline.racing.validation import require_size


class SurfaceSize(gym.Wrapper[Any, Any, Any, Any]):
    """Makes the game draw observations of (height, width, 3) uint8; `render` still returns the game's own sizes.

    The game scales its surface of 800 x 1000 with pygame.transform.smoothscale to 96x96; here it scales to `size`.
    """

    def __init__(self, env: Env, size: tuple[int, int]) -> None:
        super().__init__(env)
        size = require_size("size", size, LEAST_SCALED, SURFACE_SIZE)
        self.observation_space = gym.spaces.Box(0, 255, (*size, 3), np.uint8)
        self._size = size
        game = game_of(env)
        self._scale = game._create_image_array
        game._create_image_array = self._scaled

    def render(self) -> Any:
        height, width = self._size
        try:
            self._size = FULL_SIDE, FULL_SIDE
            return self.env.render()
        finally:
            self._size = height, width

    def _scaled(self, surface: Any, size: tuple[int, int]) -> Frame:
        height, width = self._size
        return self._scale(surface, (width, height) if size == (FULL_SIDE, FULL_SIDE) else size)
