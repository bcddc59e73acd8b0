"""The progress of the car along the road."""

from __future__ import annotations

from apexline.racing.stock.protocols import CarRacing

LOOK_AHEAD = 25
"""Tiles, 87 units of road. A longer jump is treated as another part of the road, not as progress. On a road of fewer
than 50 tiles it is half of them."""


def num_ahead(game: CarRacing, tile: int) -> int:
    """The number of a tile counted from the tile at which the car starts: tile 0, unless a subclass of the stock game
    has another `start_tile`."""
    return (tile - getattr(game, "start_tile", 0)) % len(game.road)


class Progress:
    """Number of the foremost tile that the car has reached in an episode, counted from the start tile.

    It starts at the car's tile. Each step advances it to the furthest tile that a wheel touches among the next
    LOOK_AHEAD tiles, if any. It follows the road from the start tile to the one behind it and never wraps around. So
    driving backwards, also over the start line, does not change it, and a car that skips more than LOOK_AHEAD tiles
    makes no progress until it is back where it left the road.
    """

    def __init__(self, game: CarRacing) -> None:
        self.tile = -1
        self.advance(game)

    def advance(self, game: CarRacing) -> bool:
        """Updates `tile`; returns whether the car has completed a lap.

        It has if a wheel touches a tile at the start of the road that is within LOOK_AHEAD tiles, counted across the
        start line.
        """
        touched = [num_ahead(game, tile.idx) for wheel in game.car.wheels for tile in wheel.tiles]
        horizon = self.tile + min(LOOK_AHEAD, len(game.road) // 2)
        self.tile = max((tile for tile in touched if self.tile < tile <= horizon), default=self.tile)
        return any(tile + len(game.road) <= horizon for tile in touched)
