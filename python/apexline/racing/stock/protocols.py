"""The parts of the stock game that wrappers read, beyond gymnasium's interface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from apexline.racing.types import Env, Frame


class Tile(Protocol):
    """One of the 250 to 350 quadrilaterals, 3.5 units long, that make the road."""

    idx: int
    """Its place along the road; the car starts on tiles 0 and 1 and drives towards higher numbers."""
    road_visited: bool
    """Whether a wheel has touched it in this episode."""


class Wheel(Protocol):
    tiles: set[Tile]
    """The tiles that the wheel touches now."""


class Car(Protocol):
    wheels: Sequence[Wheel]


class CarRacing(Protocol):
    """`gymnasium.envs.box2d.car_racing.CarRacing`, as far as the wrappers look inside it."""

    road: Sequence[Tile]
    tile_visited_count: int
    car: Car
    reward: float
    """The running sum that the game writes on the screen."""
    state: Frame
    _render: Callable[[str], Any]


def game_of(env: Env) -> CarRacing:
    """The game under all wrappers."""
    return cast(CarRacing, env.unwrapped)
