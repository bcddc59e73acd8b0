"""Plays the stock game without drawing, and returns states with the images that it draws of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.envs.box2d.car_racing import CarRacing

Image = npt.NDArray[np.uint8]
State = dict[str, Any]  # the arguments of _core_testing.Scene
Driver = Callable[[Any, int], npt.NDArray[np.float64]]
Scene = tuple[State, Image]

render = CarRacing._render


def make_game(**options: Any) -> Any:
    """The unwrapped game. The caller must patch its drawing (test_painter has a fixture for it)."""
    return gym.make("CarRacing-v3", **options).unwrapped


def scene(game: Any) -> Scene:
    return state(game), render(game, "state_pixels").copy()


def drive(game: Any, seed: int, driver: Driver, stops: Iterable[int]) -> Iterator[None]:
    """Drives from a reset and yields after the given numbers of frames."""
    game.reset(seed=seed)
    wanted = set(stops)
    for frame in range(1, max(wanted) + 1):
        game.step(driver(game, frame))
        if frame in wanted:
            yield


def play(game: Any, seed: int, driver: Driver, kept: Iterable[int]) -> list[Scene]:
    """The scenes after the given numbers of frames."""
    return [scene(game) for _ in drive(game, seed, driver, kept)]


def follow(speed: float) -> Driver:
    """Follows the road at about this speed."""

    def drive(game: Any, _: int) -> npt.NDArray[np.float64]:
        x, y = game.car.hull.position
        nearest = min(range(len(game.track)), key=lambda i: math.dist((x, y), game.track[i][2:]))
        _, _, ahead_x, ahead_y = game.track[(nearest + 4) % len(game.track)]
        error = math.atan2(ahead_y - y, ahead_x - x) - math.pi / 2 - game.car.hull.angle
        error = (error + math.pi) % (2 * math.pi) - math.pi
        now = math.hypot(*game.car.hull.linearVelocity)
        return np.array([np.clip(-2 * error, -1, 1), 0.5 * (now < speed), 0.3 * (now > 1.5 * speed)])

    return drive


def spin(_: Any, frame: int) -> npt.NDArray[np.float64]:
    """Full throttle, then locked wheels, with changing steering."""
    return np.array([math.sin(frame / 30), float(frame % 100 < 70), float(frame % 100 >= 90)])


def move(game: Any, x: float, y: float) -> None:
    """Moves the hull there, and the wheels with it."""
    shift = (x - game.car.hull.position[0], y - game.car.hull.position[1])
    for body in (game.car.hull, *game.car.wheels):
        body.position = (body.position[0] + shift[0], body.position[1] + shift[1])


def state(game: Any) -> State:
    tiles = [polygon for polygon, colour in game.road_poly if not isinstance(colour, tuple)]
    kerbs, kerb_tiles, kerb_is_white = [], [], []
    tile = -1
    for polygon, colour in game.road_poly:
        if isinstance(colour, tuple):
            kerbs.append(polygon)
            kerb_tiles.append(tile)
            kerb_is_white.append(colour == (255, 255, 255))
        else:
            tile += 1
    shades = [game.road_color + 0.01 * i * 255 for i in range(3)]
    car = game.car
    return {
        "hull": pose(car.hull),
        "wheels": np.stack([pose(wheel) for wheel in car.wheels]),
        "phases": np.array([wheel.phase for wheel in car.wheels], np.float64),
        "omegas": np.array([wheel.omega for wheel in car.wheels], np.float64),
        "velocity": tuple(car.hull.linearVelocity),
        "spin": car.hull.angularVelocity,
        "steering_angle": car.wheels[0].joint.angle,
        "seconds": game.t,
        "score": game.reward,
        "tiles": np.array(tiles, np.float64),
        # Any part of the car that touches a tile changes its colour; only wheels count as a visit.
        "touched": np.array([(tile.color == game.road_color).all() for tile in game.road], np.uint8),
        "kerbs": np.array(kerbs, np.float64).reshape(-1, 4, 2),
        "kerb_tiles": np.array(kerb_tiles, np.int64),
        "kerb_is_white": np.array(kerb_is_white, bool),
        "colours": np.array([*shades, game.bg_color, game.grass_color]).astype(np.uint8),
    }


def pose(body: Any) -> npt.NDArray[np.float32]:
    # The axes of the body in world coordinates are Box2D's own sine and cosine.
    cosine, sine = body.GetWorldVector((1, 0))
    return np.array([*body.position, body.angle, sine, cosine], np.float32)
