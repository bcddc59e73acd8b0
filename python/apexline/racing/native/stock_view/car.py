"""The car of an episode: hull, wheels and skid marks."""

from __future__ import annotations

from collections import deque
from typing import NoReturn

from apexline.racing.native.stock_view.bodies import HULL, Body
from apexline.racing.native.stock_view.particles import MAX_PARTICLES, Particle, particles_of
from apexline.racing.native.stock_view.read_only import NO_BOX2D, FrozenList, ReadOnly, without
from apexline.racing.native.stock_view.reader import GameReader
from apexline.racing.native.stock_view.tiles import Road
from apexline.racing.native.stock_view.wheels import Wheel

ACT = "actions go through step"


class Hull(Body):
    """The hull: a body with a colour."""

    __slots__ = ()
    color = (0.8, 0.0, 0.0)


@without("gas brake steer step destroy", ACT)
@without("_create_particle draw world", NO_BOX2D)
class Car:
    """The car of one episode, with the attributes of the stock game's Car: each reads the game's current state.

    Reset makes a new one, as in the stock game; using the car of an episode that is over raises RuntimeError.
    """

    __slots__ = ("_drawlist", "_game", "_hull", "_wheels")
    fuel_spent = 0.0

    def __init__(self, game: GameReader, episode: int, road: Road) -> None:
        self._game = game
        self._hull = Hull(game, episode, HULL, 1.0)
        self._wheels: list[Wheel] = FrozenList(Wheel(game, episode, i, self._hull, road) for i in range(4))
        self._drawlist: list[Body] = FrozenList([*self._wheels, self._hull])

    def __repr__(self) -> str:
        return f"Car(hull={self.hull!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("cannot copy or pickle a Car, which reads a running game; copy its numbers")

    @ReadOnly
    def hull(self) -> Hull:
        """The hull."""
        return self._hull

    @ReadOnly
    def wheels(self) -> list[Wheel]:
        """The wheels front left, front right, rear left, rear right."""
        return self._wheels

    @ReadOnly
    def drawlist(self) -> list[Body]:
        """Wheels and hull."""
        return self._drawlist

    @ReadOnly
    def particles(self) -> deque[Particle]:
        """The skid marks, oldest first, in a new deque."""
        self._game.require_skid_marks("particles")
        self.hull.values()
        return deque(particles_of(self._game), MAX_PARTICLES)
