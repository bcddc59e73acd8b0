"""The parts of the stock game that wrappers read, beyond gymnasium's interface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from apexline.racing.types import Env, Frame


class Tile(Protocol):
    """One of the 250 to 350 quadrilaterals of the road, each 3.5 units long."""

    idx: int
    """Index along the road; the car starts on tiles 0 and 1 and drives towards higher indices."""
    road_visited: bool
    """Whether a wheel has touched it in this episode."""


class Wheel(Protocol):
    """A wheel of the car."""

    tiles: set[Tile]
    """The tiles that the wheel touches now."""


class Car(Protocol):
    """The car."""

    wheels: Sequence[Wheel]


class CarRacing(Protocol):
    """The attributes of `gymnasium.envs.box2d.car_racing.CarRacing` that wrappers use."""

    road: Sequence[Tile]
    tile_visited_count: int
    car: Car
    reward: float
    """The score that the game draws in its image."""
    state: Frame
    _render: Callable[[str], Any]
    _create_image_array: Callable[[Any, tuple[int, int]], Frame]


def game_of(env: Env) -> CarRacing:
    """Returns the game under all wrappers."""
    return cast(CarRacing, env.unwrapped)
