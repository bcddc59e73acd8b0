"""Images of an episode, as an animated GIF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FRAME_SECONDS = 0.02
"""Time of one game frame."""


class Film:
    """Keeps every `every`-th image that it is handed, at half size; images are `frames` game frames apart."""

    def __init__(self, every: int, frames: int) -> None:
        self.every = every
        self.seconds = FRAME_SECONDS * frames * every
        self._seen = 0
        self._images: list[Image.Image] = []

    def take(self, image: NDArray[np.uint8] | Any) -> None:
        """Takes in an RGB image (H, W, 3) uint8; None, as a window gives, is passed over."""
        if image is None:
            return
        if self._seen % self.every == 0:
            image = Image.fromarray(image)
            half = image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
            self._images.append(half.quantize(32, dither=Image.Dither.NONE))
        self._seen += 1

    def save(self, path: Path) -> None:
        """Writes the GIF, at the game's own speed."""
        first, *rest = self._images
        first.save(
            path, save_all=True, append_images=rest, duration=int(1000 * self.seconds), loop=0, optimize=True
        )
