"""The progress of the car along the road."""

from __future__ import annotations

from apexline.racing.stock.protocols import CarRacing

LOOK_AHEAD = 25
"""Tiles, 87 units of road. A longer jump is treated as another part of the road, not as progress."""


class Progress:
    """Index of the foremost tile that the car has reached in an episode.

    It starts at the car's tile. Each step advances it to the furthest tile that a wheel touches among the next
    LOOK_AHEAD tiles, if any. It follows the road from tile 0 to the last and never wraps around. So driving backwards,
    also over the start line, does not change it, and a car that skips more than LOOK_AHEAD tiles makes no progress
    until it is back where it left the road.
    """

    def __init__(self, game: CarRacing) -> None:
        self.tile = -1
        self.advance(game)

    def advance(self, game: CarRacing) -> bool:
        """Updates `tile`; returns whether the car has completed a lap.

        It has if a wheel touches a tile at the start of the road that is within LOOK_AHEAD tiles, counted across the
        start line.
        """
        touched = [tile.idx for wheel in game.car.wheels for tile in wheel.tiles]
        horizon = self.tile + LOOK_AHEAD
        self.tile = max((tile for tile in touched if self.tile < tile <= horizon), default=self.tile)
        return any(tile + len(game.road) <= horizon for tile in touched)
