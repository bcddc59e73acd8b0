"""Images collected for the render modes "rgb_array_list" and "state_pixels_list"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from apexline.racing.native.arguments import Mask
from apexline.racing.types import Frame


class RenderLists:
    """A list of images per game, as gymnasium's RenderCollection keeps it with its default arguments.

    Args:
        num_envs: number of games.
    """

    def __init__(self, num_envs: int) -> None:
        self._lists: list[list[Frame]] = [[] for _ in range(num_envs)]

    def collect(
        self, image: Callable[[int], Frame], envs: npt.NDArray[np.integer[Any]], was_reset: Mask
    ) -> None:
        """Adds `image(env)` for these games; the list of one whose row of `was_reset` is true begins with it."""
        for env, begins in zip(envs.tolist(), was_reset, strict=True):
            if begins:
                self._lists[env] = []
            self._lists[env].append(image(env))

    def pop(self, env: int) -> list[Frame]:
        """Returns the images of a game since its last reset or the last call."""
        images, self._lists[env] = self._lists[env], []
        return images
