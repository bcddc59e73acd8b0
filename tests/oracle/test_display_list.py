"""The polygons of an image equal those that the stock game passes to pygame, corner by corner."""

from __future__ import annotations

from typing import Any

import numpy as np
import pygame
import pytest
from gymnasium.envs.box2d.car_racing import CarRacing
from pygame import gfxdraw

from apexline import _core_testing

from .stock_scenes import Driver, drive, follow, make_game, move, render, spin, state

Polygon = tuple[bool, tuple[int, ...], list[tuple[int, int]]]  # whether antialiased, colour, corners

INKS = [
    "outside",
    "background",
    "grass",
    0,
    1,
    2,
    (255, 255, 255),
    (255, 0, 0),
    (0, 0, 0),
    (77, 77, 77),
    (204, 0, 0),
]


def in_pixels(points: Any) -> list[tuple[int, int]]:
    return [(int(x), int(y)) for x, y in points]


def is_seen(polygon: Polygon) -> bool:
    """Above the indicators, that is from y = 100, or outside the image by at most a pixel."""
    corners = np.array(polygon[2])
    (left, low), (right, high) = corners.min(0), corners.max(0)
    return bool(right >= -1 and left <= 1000 and high >= 99 and low <= 800)


def stock_polygons(game: Any) -> list[Polygon]:
    """Everything that _render draws before the indicators."""
    painted: list[Polygon] = []

    def smooth(_: Any, points: Any, colour: Any) -> None:
        painted.append((True, tuple(int(c) for c in colour), in_pixels(points)))

    def plain(_: Any, color: Any, points: Any) -> None:
        painted.append((False, tuple(color), in_pixels(points)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gfxdraw, "filled_polygon", smooth)
        patch.setattr(gfxdraw, "aapolygon", lambda *_: None)
        patch.setattr(pygame.draw, "polygon", plain)
        patch.setattr(CarRacing, "_render_indicators", lambda *_: None)
        render(game, "state_pixels")
    return painted


def native_polygons(game: Any, **options: Any) -> list[Polygon]:
    known = state(game)
    road = [tuple(int(c) for c in colour) for colour in known["colours"]]
    colours = {
        "outside": (0, 0, 0),
        "background": road[3],
        "grass": road[4],
        0: road[0],
        1: road[1],
        2: road[2],
    }
    return [
        (smooth, colours.get(INKS[ink], INKS[ink]), corners)  # type: ignore[misc]
        for ink, smooth, corners in _core_testing.polygons(_core_testing.Scene(**known, **options))
    ]


@pytest.mark.parametrize("domain_randomize", [False, True])
@pytest.mark.parametrize(("seed", "driver"), [(1, follow(40)), (2, spin), (3, follow(80))])
def test_corners_are_those_of_the_stock_game(
    seed: int, driver: Driver, domain_randomize: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CarRacing, "_render", lambda *_: None)
    game = make_game(domain_randomize=domain_randomize)
    for _ in drive(game, seed, driver, (1, 2, 20, 49, 51, 100, 250)):
        compare(game)
    for x, y, angle in [(330, 0, 0.0), (-100, -330, np.pi / 2), (50, 200, -np.pi), (-340, 340, 40.0)]:
        for body in (game.car.hull, *game.car.wheels):
            body.angle = angle
        move(game, x, y)
        compare(game)


def compare(game: Any) -> None:
    stock = [polygon for polygon in stock_polygons(game) if is_seen(polygon)]
    native = [polygon for polygon in native_polygons(game) if is_seen(polygon)]
    # Box2D lists the four parts of the hull in another order; they have one colour.
    assert native[:-4] == stock[:-4]
    assert sorted(native[-4:]) == sorted(stock[-4:])
    assert native[0][1] == stock[0][1]
