"""Rendered images of an episode as an animated GIF."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from apexline.atomic_write import atomic_write

FRAME_SECONDS = 0.02
"""Duration of one game frame."""
COLORS = 32


class GifWriter:
    """Collects images at half size and 32 colors, and writes them as a GIF at the speed of the game.

    Args:
        every: keep every `every`-th image.
        action_repeat: game frames from one image to the next.
    """

    def __init__(self, every: int, action_repeat: int) -> None:
        self.every = every
        self.seconds = FRAME_SECONDS * action_repeat * every
        """Duration of an image in the GIF."""
        self._given = 0
        self._images: list[Image.Image] = []

    def add(self, image: NDArray[np.uint8] | Any) -> None:
        """Add an RGB image (H, W, 3) uint8; None, as `render_mode="human"` renders, is ignored."""
        if image is None:
            return
        if self._given % self.every == 0:
            full = Image.fromarray(image)
            half = full.resize((full.width // 2, full.height // 2), Image.Resampling.BOX)
            self._images.append(half.quantize(COLORS, dither=Image.Dither.NONE))
        self._given += 1

    def save(self, path: str | os.PathLike[str]) -> None:
        """Replace `path` by the GIF, which repeats endlessly.

        Raises:
            OSError: the file cannot be written.
        """
        first, *rest = self._images
        duration = int(1000 * self.seconds)
        with atomic_write(path) as file:
            first.save(
                file, "GIF", save_all=True, append_images=rest, duration=duration, loop=0, optimize=True
            )
