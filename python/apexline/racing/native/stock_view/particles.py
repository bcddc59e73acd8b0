"""Skid marks as the stock game's particles."""

from __future__ import annotations

from dataclasses import dataclass

from apexline.racing.native.stock_view.reader import GameReader
from apexline.racing.native.stock_view.vectors import Pair

WHEEL_COLOR = (0, 0, 0)
MUD_COLOR = (102, 102, 0)
MAX_PARTICLES = 30


@dataclass(frozen=True)
class Particle:
    """A skid mark, with the fields of the stock game's Particle."""

    color: tuple[int, int, int]
    poly: list[Pair]
    """Positions of the wheel, oldest first."""
    grass: bool
    """Whether the mark is on grass, else on the road."""
    ttl: int = 1


def particles_of(game: GameReader) -> list[Particle]:
    """Returns the skid marks of a game."""
    return [
        Particle(MUD_COLOR if on_grass else WHEEL_COLOR, list(map(tuple, points.tolist())), on_grass)
        for on_grass, points in game.world.skid_marks(game.env)
    ]
