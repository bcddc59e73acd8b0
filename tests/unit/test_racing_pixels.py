from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from apexline.racing import AreaMean, ChannelsFirst, CropHud, Grayscale

Image = npt.NDArray[np.uint8]


class Still(gym.Env[Any, Any]):
    """Every observation is the same image."""

    action_space = gym.spaces.Discrete(1)

    def __init__(self, image: Image) -> None:
        self.image = image
        self.observation_space = gym.spaces.Box(0, 255, image.shape, np.uint8)

    def reset(self, **_: Any) -> Any:
        return self.image, {}


def shown(env: gym.Env[Any, Any]) -> Image:
    frame = env.reset()[0]
    assert env.observation_space.contains(frame)
    return frame


def noise(*shape: int) -> Image:
    return np.random.default_rng(3).integers(0, 256, shape, np.uint8)


def images(channels: tuple[int, ...]) -> st.SearchStrategy[Image]:
    sides = st.integers(1, 12)
    return st.tuples(sides, sides).flatmap(lambda side: arrays(np.uint8, side + channels))


def block_mean(image: Image, size: int | tuple[int, int]) -> Image:
    """Naive model: blow each pixel up to h * w equal ones, then average blocks of H * W."""
    height, width, *channels = image.shape
    h, w = size if isinstance(size, tuple) else (size, size)
    large = image.repeat(h, 0).repeat(w, 1)
    sums = large.reshape(h, height, w, width, *channels).sum((1, 3), dtype=np.int64)
    return ((2 * sums + height * width) // (2 * height * width)).astype(np.uint8)


def test_crop_keeps_the_rows_above_the_indicators_and_the_middle_columns() -> None:
    image = noise(96, 96, 3)
    np.testing.assert_array_equal(shown(CropHud(Still(image))), image[0:84, 6:90])


TIE = np.array([[[0, 0, 250]]], np.uint8)


@given(images((3,)))
@example(TIE)
def test_gray_is_the_weighted_sum_rounded_to_nearest(image: Image) -> None:
    gray = shown(Grayscale(Still(image)))
    for place in np.ndindex(image.shape[:2]):
        red, green, blue = (int(value) for value in image[place])
        assert gray[place] == math.floor(
            Fraction(299 * red + 587 * green + 114 * blue, 1000) + Fraction(1, 2)
        )


@given(st.data(), st.sampled_from([(), (1,), (3,)]))
def test_area_mean_equals_the_mean_over_blown_up_pixels(
    data: st.DataObject, channels: tuple[int, ...]
) -> None:
    image = data.draw(images(channels))
    height, width, *_ = image.shape
    sides = st.integers(1, min(height, width))
    size = data.draw(sides | st.tuples(st.integers(1, height), st.integers(1, width)))
    np.testing.assert_array_equal(shown(AreaMean(Still(image), size)), block_mean(image, size))


def test_area_mean_at_half_size_rounds_ties_up() -> None:
    image = noise(84, 84)
    sums = image.reshape(42, 2, 42, 2).sum((1, 3), dtype=np.int64)
    assert (sums % 4 == 2).any()
    np.testing.assert_array_equal(shown(AreaMean(Still(image), 42)), (sums + 2) // 4)


@pytest.mark.parametrize("size", [64, (64, 77), (84, 20)])
def test_area_mean_with_fractional_overlaps_at_real_size(size: int | tuple[int, int]) -> None:
    image = noise(84, 84)
    np.testing.assert_array_equal(shown(AreaMean(Still(image), size)), block_mean(image, size))


@pytest.mark.parametrize("shape", [(84, 84), (96, 96, 3)])
def test_area_mean_at_full_size_changes_nothing(shape: tuple[int, ...]) -> None:
    image = noise(*shape)
    np.testing.assert_array_equal(shown(AreaMean(Still(image), shape[0])), image)


@pytest.mark.parametrize("size", [0, 85])
def test_area_mean_cannot_enlarge(size: int) -> None:
    with pytest.raises(ValueError, match=f"size is {size}; expected an integer from 1 to 84"):
        AreaMean(Still(noise(84, 96, 3)), size)


@pytest.mark.parametrize("size", [(0, 96), (84, 97), (85, 96)])
def test_area_mean_cannot_enlarge_one_side(size: tuple[int, int]) -> None:
    message = re.escape(f"size is {size}; expected (height, width) from (1, 1) to (84, 96)")
    with pytest.raises(ValueError, match=message):
        AreaMean(Still(noise(84, 96, 3)), size)


def test_gray_can_keep_the_channel_axis() -> None:
    image = noise(5, 7, 3)
    gray = shown(Grayscale(Still(image)))
    np.testing.assert_array_equal(
        shown(Grayscale(Still(image), keep_dim=True)), gray[:, :, None], strict=True
    )
    np.testing.assert_array_equal(
        shown(ChannelsFirst(Grayscale(Still(image), keep_dim=True))), gray[None], strict=True
    )


def test_channels_first() -> None:
    image = noise(5, 7, 3)
    frame = shown(ChannelsFirst(Still(image)))
    assert frame.shape == (3, 5, 7)
    for row, column, channel in np.ndindex(image.shape):
        assert frame[channel, row, column] == image[row, column, channel]


@pytest.mark.parametrize("wrap", [Grayscale, ChannelsFirst, lambda env: AreaMean(env, 3)])
def test_frames_are_contiguous_even_from_a_transposed_image(wrap: Any) -> None:
    assert shown(wrap(Still(noise(5, 7, 3).transpose(1, 0, 2)))).flags.c_contiguous
