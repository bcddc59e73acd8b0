"""From the game's image to a frame: crop, gray, area mean, tone curve, channels first; all exact in integers.

The formulas are part of the interface: the native renderer implements the same ones, byte for byte.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from apexline.racing.options import CROPPED_SIDE
from apexline.racing.types import Env, Frame
from apexline.racing.validation import require_integer, require_size

CROP_LEFT = 6
"""Columns cut off on the left, and as many on the right."""
LUMA = np.array([299, 587, 114], np.int32)
"""ITU-R BT.601 weights of red, green and blue, in thousandths."""


def _road_contrast() -> npt.NDArray[np.uint8]:
    x = np.arange(256)
    dark, road, light = (58 * x + 48) // 96, 58 + 10 * (x - 96), 178 + (77 * (x - 108) + 73) // 147
    return np.select([x <= 96, x <= 108], [dark, road], light).astype(np.uint8)


ROAD_CONTRAST = _road_contrast()
"""Output of RoadContrast for each value, (256,)."""


class PixelWrapper(gym.ObservationWrapper[Any, Any, Any]):
    """Declares an observation space of uint8 images of `shape`."""

    def __init__(self, env: Env, shape: tuple[int, ...]) -> None:
        super().__init__(env)
        self.observation_space = gym.spaces.Box(0, 255, shape, np.uint8)


class CropHud(PixelWrapper):
    """Keeps rows 0:84 and columns 6:90 of the (96, 96, 3) image, which cuts off the indicators."""

    def __init__(self, env: Env) -> None:
        super().__init__(env, (CROPPED_SIDE, CROPPED_SIDE, 3))

    def observation(self, observation: Frame) -> Frame:
        return observation[:CROPPED_SIDE, CROP_LEFT : CROP_LEFT + CROPPED_SIDE]


class Grayscale(PixelWrapper):
    """(H, W, 3) to (H, W), or (H, W, 1) with `keep_dim`: (299 R + 587 G + 114 B + 500) // 1000."""

    def __init__(self, env: Env, *, keep_dim: bool = False) -> None:
        height, width, _ = _shape(env)
        super().__init__(env, (height, width, 1) if keep_dim else (height, width))
        self._weights = LUMA[:, None] if keep_dim else LUMA

    def observation(self, observation: Frame) -> Frame:
        return ((observation @ self._weights + 500) // 1000).astype(np.uint8)


class AreaMean(PixelWrapper):
    """(H, W) or (H, W, C) to (h, w) or (h, w, C); each pixel is the mean of the area it covers.

    With the weights of `overlaps`, the sum of rows[i, y] * columns[k, x] * image[y, x] over y and x is
    H * W times the mean under pixel (i, k); rounded to nearest, ties up: (2 * sum + H * W) // (2 * H * W).
    At half the size that is (a + b + c + d + 2) // 4; at full size nothing changes.

    Args:
        env: its observations are (H, W) or (H, W, C) uint8.
        size: h and w, or one integer for both.

    Raises ValueError unless 1 <= h <= H and 1 <= w <= W.
    """

    def __init__(self, env: Env, size: int | tuple[int, int]) -> None:
        height, width, *channels = _shape(env)
        if isinstance(size, tuple):
            to_height, to_width = require_size("size", size, (1, 1), (height, width))
        else:
            to_height = to_width = require_integer("size", size, 1, min(height, width))
        super().__init__(env, (to_height, to_width, *channels))
        self._rows = overlaps(height, to_height)
        self._columns = overlaps(width, to_width)
        self._area = height * width

    def observation(self, observation: Frame) -> Frame:
        # In float64 because its matrix product is fast; all integers are far below 2**53, so the result is exact.
        # The transpose moves the planes to the last two axes: (W, H) or (C, W, H).
        sums = (self._columns @ observation.T.astype(np.float64) @ self._rows.T).T.astype(np.int64)
        return ((2 * sums + self._area) // (2 * self._area)).astype(np.uint8, order="C")


class RoadContrast(PixelWrapper):
    """A tone curve of gray frames: straight lines through (0, 0), (96, 58), (108, 178) and (255, 255).

    Rounded to nearest, ties up. The game draws the road in shades of 100, 102 and 105 that alternate from tile to tile,
    and visited tiles in 100. The curve multiplies their differences by ten and is monotonic.
    """

    def __init__(self, env: Env) -> None:
        super().__init__(env, _shape(env))

    def observation(self, observation: Frame) -> Frame:
        contrasted: Frame = ROAD_CONTRAST[observation]
        return contrasted


class ChannelsFirst(PixelWrapper):
    """(H, W, C) to (C, H, W), contiguous."""

    def __init__(self, env: Env) -> None:
        height, width, channels = _shape(env)
        super().__init__(env, (channels, height, width))

    def observation(self, observation: Frame) -> Frame:
        return np.ascontiguousarray(observation.transpose(2, 0, 1))


def overlaps(length: int, size: int) -> npt.NDArray[np.float64]:
    """Overlap of each of `size` equal cells along a line with each of its `length` pixels: (size, length).

    In units of 1/size pixel, in which every entry is an integer and every row sums to `length`.
    """
    cell = np.arange(size)[:, None] * length
    pixel = np.arange(length) * size
    covered = np.minimum(cell + length, pixel + size) - np.maximum(cell, pixel)
    weights: npt.NDArray[np.float64] = np.maximum(covered, 0).astype(np.float64)
    return weights


def _shape(env: Env) -> tuple[int, ...]:
    shape = env.observation_space.shape
    assert shape is not None
    return shape
