"""How far a car has come along the road."""

from __future__ import annotations

from apexline.racing.stock.protocols import CarRacing

LOOK_AHEAD = 25
"""Tiles, 87 units of road. A longer jump is taken for another part of the road, not for a gap in the drive."""


class Progress:
    """The number of the tile that the car of a game has come to in an episode.

    It starts at the car's place and moves on to the furthest tile that a wheel touches among the LOOK_AHEAD tiles ahead
    of it, or stays. It follows the road from tile 0 to the last and never wraps. So driving backwards, also over the
    start line, changes nothing, and a car that cuts out more than LOOK_AHEAD tiles makes no progress until it is back
    where it left the road.
    """

    def __init__(self, game: CarRacing) -> None:
        self.tile = -1
        self.advance(game)

    def advance(self, game: CarRacing) -> bool:
        """Moves on with the car; True where it touches one of the LOOK_AHEAD tiles ahead beyond the end of the road."""
        touched = [tile.idx for wheel in game.car.wheels for tile in wheel.tiles]
        horizon = self.tile + LOOK_AHEAD
        self.tile = max((tile for tile in touched if self.tile < tile <= horizon), default=self.tile)
        return any(tile + len(game.road) <= horizon for tile in touched)
