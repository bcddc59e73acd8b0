"""Images at other zooms of the camera against the stock game with another ZOOM."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from gymnasium.envs.box2d import car_racing

from apexline import _core_testing
from apexline.racing import CarRacingEnv
from apexline.racing.native.glyphs import load_glyphs

from .stock_scenes import Driver, drive, follow, make_game, move, render, spin, state
from .test_display_list import is_seen, native_polygons, stock_polygons
from .test_painter import flat_equal

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

ZOOMS = [0.1, 0.7, 1.0, 2.7, 4.0, 5.0]


@pytest.fixture(params=ZOOMS)
def zoom(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """Patches the stock game, with what it computes from ZOOM when it is imported, and stops its drawing in steps."""
    value: float = request.param
    monkeypatch.setattr(car_racing, "MAX_SHAPE_DIM", car_racing.MAX_SHAPE_DIM * (value / car_racing.ZOOM))
    monkeypatch.setattr(car_racing, "ZOOM", value)
    monkeypatch.setattr(car_racing.CarRacing, "_render", lambda *_: None)
    return value


DRIVES = [(1, follow(40)), (2, spin), (3, follow(80))]
STOPS = (1, 20, 49, 51, 100, 250)
CORNERS = [(333.0, 333.0, 0.0), (-333.0, -333.0, np.pi / 4), (330.0, -20.0, 2.5)]
BEYOND = [(450.0, 450.0, 0.8), (600.0, -500.0, 2.0), (900.0, 900.0, 0.5), (2500.0, -2500.0, 1.1)]
"""Off the field; pygame keeps 16 bits of each coordinate."""


def scenes(
    seed: int, driver: Driver, places: Sequence[tuple[float, float, float]] = CORNERS
) -> Iterator[Any]:
    """The stock game at each stop of a drive, then at some places."""
    game = make_game()
    for _ in drive(game, seed, driver, STOPS):
        yield game
    for x, y, angle in places:
        for body in (game.car.hull, *game.car.wheels):
            body.angle = angle
        move(game, x, y)
        yield game


@pytest.mark.parametrize(("seed", "driver"), DRIVES)
def test_corners_are_those_of_the_stock_game(zoom: float, seed: int, driver: Driver) -> None:
    for game in scenes(seed, driver):
        stock = [polygon for polygon in stock_polygons(game) if is_seen(polygon)]
        native = [polygon for polygon in native_polygons(game, zoom=zoom) if is_seen(polygon)]
        assert native[:-4] == stock[:-4]
        assert sorted(native[-4:]) == sorted(stock[-4:])


@pytest.mark.parametrize(("seed", "driver"), DRIVES)
def test_coordinates_fit_into_16_bits(zoom: float, seed: int, driver: Driver) -> None:
    """Also at the largest zoom with the car in the farthest corner of the field, to which pygame passes them."""
    for game in scenes(seed, driver):
        field = stock_polygons(game)[0]
        assert np.abs(field[2]).max() < 2**15
        assert native_polygons(game, zoom=zoom)[0] == field


@pytest.mark.parametrize(("seed", "driver"), DRIVES)
def test_observations_are_those_of_the_stock_game(zoom: float, seed: int, driver: Driver) -> None:
    painter = _core_testing.Painter(
        crop_hud=False, gray=False, frame_size=(96, 96), glyphs=load_glyphs().arrays
    )
    errors = []
    for game in scenes(seed, driver, CORNERS + BEYOND):
        stock = render(game, "state_pixels")
        native = painter.draw(_core_testing.Scene(**state(game), zoom=zoom))
        difference = np.abs(native.astype(int) - stock)
        errors.append(difference.mean())
        assert errors[-1] <= 0.25
        assert not difference[84:].any()
        assert flat_equal(stock, native)
    assert np.mean(errors) <= (0.1 if zoom >= 1 else 0.16)  # more edges in an image from far away


@pytest.mark.parametrize(("seed", "driver"), DRIVES)
def test_images_for_people_equal_the_stock_game(zoom: float, seed: int, driver: Driver) -> None:
    """With the option of the environment, which drives along."""
    env = CarRacingEnv("rgb_array", zoom=zoom)
    env.reset(seed=seed)

    def both(game: Any, frame: int) -> Any:
        action = np.float32(driver(game, frame))
        env.step(action)
        return action

    game = make_game()
    for _ in drive(game, seed, both, STOPS):
        np.testing.assert_array_equal(env.render(), render(game, "rgb_array"))
