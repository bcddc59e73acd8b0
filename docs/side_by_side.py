"""Writes docs/side_by_side.png: observations of the stock (top) and native (bottom) environment after equal actions."""

from __future__ import annotations

import os
from pathlib import Path

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import apexline.racing  # noqa: F401 - registers the native environment

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

SEED = 7
FRAMES = (0, 20, 60, 110, 160)
SCALE = 2
GAP = 4


def action(frame: int) -> NDArray[np.float32]:
    """Full gas, then a turn that makes the car slide."""
    return np.array([0.0 if frame < 90 else 0.8, 0.6 if frame < 120 else 0.0, 0.0], np.float32)


def observations(name: str) -> list[NDArray[np.uint8]]:
    """The observations of FRAMES, each (96, 96, 3) uint8."""
    env = gym.make(name)
    image, _ = env.reset(seed=SEED)
    kept = []
    for frame in range(max(FRAMES) + 1):
        if frame in FRAMES:
            kept.append(image)
        image, *_ = env.step(action(frame))
    env.close()
    return kept


def main() -> None:
    """Writes the image and prints the mean absolute difference."""
    stock, native = observations("CarRacing-v3"), observations("apexline/CarRacing-v3")
    side = SCALE * stock[0].shape[0]
    sheet = np.full((2 * side + GAP, len(FRAMES) * (side + GAP) - GAP, 3), 255, np.uint8)
    for row, images in enumerate((stock, native)):
        for column, image in enumerate(images):
            top, left = row * (side + GAP), column * (side + GAP)
            sheet[top : top + side, left : left + side] = image.repeat(SCALE, 0).repeat(SCALE, 1)
    path = Path(__file__).with_suffix(".png")
    Image.fromarray(sheet).save(path, optimize=True)
    error = np.abs(np.stack(stock).astype(int) - np.stack(native)).mean()
    print(f"wrote {path.name}; mean difference {error:.3f} of 255 levels")


if __name__ == "__main__":
    main()
