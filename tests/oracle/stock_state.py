"""Reads from the stock game what its image shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.envs.box2d.car_racing import CarRacing


def pose(body: Any) -> list[float]:
    turn = body.transform.q
    return [*body.position, body.angle, turn.s, turn.c]


def colours(game: CarRacing) -> npt.NDArray[np.uint8]:
    """Three shades of road, background and grass, cut off as pygame cuts them off."""
    shades = [game.road_color + 0.01 * shade * 255 for shade in range(3)]
    return np.array([*shades, game.bg_color, game.grass_color]).astype(np.int64).astype(np.uint8)


def road(game: CarRacing) -> dict[str, npt.NDArray[Any]]:
    """Tiles and kerbs; the image's list of polygons tells them apart only by whose colour they have."""
    tiles, kerb_tiles, kerb_is_white, kerbs = [], [], [], []
    for corners, colour in game.road_poly:
        if isinstance(colour, tuple):
            kerb_tiles.append(len(tiles) - 1)
            kerb_is_white.append(colour == (255, 255, 255))
            kerbs.append(corners)
        else:
            tiles.append(corners)
    assert len(tiles) == len(game.road)
    touched = [bool((tile.color == game.road_color).all()) for tile in game.road]
    return {
        "tiles": np.array(tiles, np.float64),
        "touched": np.array(touched),
        "kerb_tiles": np.array(kerb_tiles, np.int64),
        "kerb_is_white": np.array(kerb_is_white, np.bool_),
        "kerbs": np.array(kerbs, np.float64).reshape(-1, 4, 2),
    }


def scene(game: CarRacing) -> dict[str, Any]:
    """The arguments of `_core_testing.exact_frame` but for the size and the glyphs."""
    car = game.car
    assert car is not None
    hull, wheels = car.hull, car.wheels
    return {
        **road(game),
        "colours": colours(game),
        "poses": np.array([pose(body) for body in (hull, *wheels)], np.float32),
        "velocity": np.array([*hull.linearVelocity, hull.angularVelocity], np.float32),
        "phases": np.array([wheel.phase for wheel in wheels], np.float64),
        "omegas": np.array([wheel.omega for wheel in wheels], np.float64),
        "steering_angle": wheels[0].joint.angle,
        "seconds": game.t,
        "score": game.reward,
        "skid_marks": [(bool(mark.grass), np.array(mark.poly, np.float64)) for mark in car.particles],
    }
