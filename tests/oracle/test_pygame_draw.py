"""Drawing of shapes and smoothscale equal pygame, pixel for pixel."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from apexline import _core_testing

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
pygame = pytest.importorskip("pygame")
gfxdraw = pytest.importorskip("pygame.gfxdraw")

Points = npt.NDArray[np.int64]

WIDTH, HEIGHT = 160, 120

STOCK: dict[str, Callable[[Any, list[tuple[int, int]], tuple[int, int, int]], Any]] = {
    "gfx_outline": gfxdraw.aapolygon,
    "gfx_fill": gfxdraw.filled_polygon,
    "fill": lambda surface, points, colour: pygame.draw.polygon(surface, colour, points),
    "lines": lambda surface, points, colour: pygame.draw.lines(surface, colour, False, points, width=2),
}
FEWEST = {"gfx_outline": 3, "gfx_fill": 3, "fill": 4, "lines": 2}


def surface_of(image: npt.NDArray[np.uint8]) -> Any:
    surface = pygame.Surface(image.shape[1::-1])
    pygame.surfarray.blit_array(surface, image.transpose(1, 0, 2))
    return surface


def image_of(surface: Any) -> npt.NDArray[np.uint8]:
    return pygame.surfarray.array3d(surface).transpose(1, 0, 2)


def around(random: np.random.Generator, count: int) -> Points:
    return random.integers(-20, [WIDTH + 20, HEIGHT + 20], (count, 2))


def within(random: np.random.Generator, count: int) -> Points:
    return random.integers(0, [WIDTH, HEIGHT], (count, 2))


def far(random: np.random.Generator, count: int) -> Points:
    return random.integers(-9000, 9000, (count, 2))


def tiny(random: np.random.Generator, count: int) -> Points:
    return within(random, 1) + random.integers(-3, 4, (count, 2))


def level(random: np.random.Generator, count: int) -> Points:
    """One or two rows high."""
    return np.stack(
        [random.integers(-20, WIDTH + 20, count), within(random, 1)[0, 1] + random.integers(0, 2, count)], 1
    )


def steep(random: np.random.Generator, count: int) -> Points:
    """One or two columns wide."""
    return np.stack(
        [within(random, 1)[0, 0] + random.integers(0, 2, count), random.integers(-300, 300, count)], 1
    )


def few_rows(random: np.random.Generator, count: int) -> Points:
    """With many horizontal edges and coincident corners."""
    return np.stack([random.integers(0, 12, count) * 15, random.integers(-1, 5, count) * 30], 1)


def turned_square(random: np.random.Generator, count: int) -> Points:
    """A patch of grass in camera coordinates; the count is ignored."""
    del count
    angle, side = random.uniform(0, 7), random.choice([10, 60, 270])
    corners = (
        np.array([[1, 0], [0, 0], [0, 1], [1, 1]])
        * side
        @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    )
    return (corners + random.uniform(-100, [WIDTH, HEIGHT], 2)).astype(np.int64)


@pytest.mark.parametrize("family", [around, within, far, tiny, level, steep, few_rows, turned_square])
@pytest.mark.parametrize("kind", STOCK)
def test_a_shape_equals_pygame(kind: str, family: Callable[[np.random.Generator, int], Points]) -> None:
    random = np.random.default_rng([*kind.encode(), *family.__name__.encode()])
    for _ in range(150):
        points = family(random, int(random.integers(FEWEST[kind], 9)))
        image = random.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        colour = tuple(random.integers(0, 256, 3).tolist())
        surface = surface_of(image)
        STOCK[kind](surface, [tuple(point) for point in points.tolist()], colour)
        ours = _core_testing.draw_shape(image, kind, points, colour)
        assert np.array_equal(ours, image_of(surface)), (kind, points.tolist(), colour)


def test_a_shape_that_needs_more_points_is_refused() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    with pytest.raises(ValueError, match=r"^points holds 3; expected 4$"):
        _core_testing.draw_shape(image, "fill", np.zeros((3, 2), np.int64), (0, 0, 0))
    with pytest.raises(ValueError, match=r"^kind is circle; expected gfx_outline, gfx_fill, fill or lines$"):
        _core_testing.draw_shape(image, "circle", np.zeros((3, 2), np.int64), (0, 0, 0))


@pytest.fixture
def default_backend() -> None:
    """Every x86-64 processor has SSE2; elsewhere NEON runs the same functions."""
    if pygame.transform.get_smoothscale_backend() not in ("SSE2", "NEON"):
        pytest.skip(f"pygame scales by {pygame.transform.get_smoothscale_backend()} on {sys.platform}")


@pytest.mark.usefixtures("default_backend")
@pytest.mark.parametrize(
    ("size", "smaller"),
    [
        ((1000, 800), (600, 400)),
        ((1000, 800), (96, 96)),
        ((1000, 800), (999, 799)),
        ((161, 121), (80, 60)),
        ((160, 120), (160, 120)),
        ((160, 120), (37, 120)),
        ((160, 120), (160, 11)),
        ((160, 121), (1, 1)),
        ((256, 256), (1, 1)),
        ((7, 5), (6, 3)),
    ],
)
@pytest.mark.parametrize("kind", ["noise", "white", "edges"])
def test_smoothscale_equals_pygame(size: tuple[int, int], smaller: tuple[int, int], kind: str) -> None:
    random = np.random.default_rng(size[0])
    shape = (size[1], size[0], 3)
    values = random.integers(0, 256, shape) if kind == "noise" else 255 * (random.random(shape) < 0.5)
    image = np.full(shape, 255, np.uint8) if kind == "white" else values.astype(np.uint8)
    stock = image_of(pygame.transform.smoothscale(surface_of(image), smaller))
    assert np.array_equal(_core_testing.smoothscale(image, *smaller), stock)


def test_smoothscale_does_not_enlarge() -> None:
    with pytest.raises(ValueError, match=r"^width is 4; expected from 1 to 3$"):
        _core_testing.smoothscale(np.zeros((2, 3, 3), np.uint8), 4, 2)
    with pytest.raises(ValueError, match=r"^height is 0; expected from 1 to 2$"):
        _core_testing.smoothscale(np.zeros((2, 3, 3), np.uint8), 3, 0)
