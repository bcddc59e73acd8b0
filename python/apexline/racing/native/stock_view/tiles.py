"""The road of an episode: tiles as bodies of Box2D, and the polygons that are drawn."""

from __future__ import annotations

from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from apexline.racing.native.stock_view.bodies import Body, Values
from apexline.racing.native.stock_view.read_only import FrozenList, ReadOnly
from apexline.racing.native.stock_view.reader import GameReader
from apexline.racing.native.stock_view.shapes import Fixture

Color: TypeAlias = npt.NDArray[np.float64] | tuple[int, int, int]
RoadPolygon: TypeAlias = tuple[list[tuple[float, float]], Color]
"""Corners and colour of a tile or kerb."""

WHITE = (255, 255, 255)
RED = (255, 0, 0)
TILE = -1
"""The body number of tiles, which are not bodies of the core."""


class Tile(Body):
    """A tile of the road: a static body of Box2D with the attributes that the stock game adds."""

    __slots__ = ("_color", "_idx", "_is_touched")
    road_friction = 1.0
    type = 0

    def __init__(self, game: GameReader, episode: int, idx: int, color: npt.NDArray[np.float64]) -> None:
        super().__init__(game, episode, TILE, 0.0)
        self._idx = idx
        self._color = color
        self._color.flags.writeable = False
        self._is_touched = False

    def __repr__(self) -> str:
        return f"Tile(idx={self._idx})"

    def values(self) -> Values:
        """Returns the state of a body at rest at the origin."""
        self._tile_values()
        return (self._episode, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)

    def _tile_values(self) -> tuple[int, bool, bool]:
        return self._game.current(self._game.world.tile_values(self._game.env, self._idx), self._episode)

    def _masses(self) -> tuple[float, float, float, float]:
        return 0.0, 0.0, 0.0, 0.0

    @ReadOnly
    def idx(self) -> int:
        """Index in `road`."""
        return self._idx

    @ReadOnly
    def road_visited(self) -> bool:
        """Whether a wheel has touched the tile."""
        return self._tile_values()[1]

    @ReadOnly
    def color(self) -> npt.NDArray[np.float64]:
        """(3,) float64, read-only: one of three shades, that of `road_color` once the car has touched the tile."""
        if self._tile_values()[2]:
            self.paint_touched()
        return self._color

    def paint_touched(self) -> None:
        """Gives the tile's array the colour of `road_color`."""
        if self._is_touched:
            return
        self._is_touched = True
        self._color.flags.writeable = True
        self._color[:] = self._game.palette()[0]
        self._color.flags.writeable = False

    @ReadOnly
    def userData(self) -> object:
        """The tile itself."""
        return self

    @ReadOnly
    def fixtures(self) -> list[Fixture]:
        """The tile's shape."""
        vertices = self._game.world.tile_vertices(self._game.env, self._idx)
        return [Fixture(self, vertices, 0.0, sensor=True)]


class Road:
    """Tiles and polygons of an episode, made when they are read."""

    def __init__(self, game: GameReader, episode: int, num_tiles: int) -> None:
        self._game = game
        self._episode = episode
        self._num_tiles = num_tiles

    @cached_property
    def tiles(self) -> list[Tile]:
        """The tiles, in the colours of untouched ones until their colour is read."""
        color = self._game.palette()[0]
        return FrozenList(
            Tile(self._game, self._episode, i, color + 0.01 * (i % 3) * 255) for i in range(self._num_tiles)
        )

    def polygons(self) -> list[RoadPolygon]:
        """Returns the polygons with their current colours, which are the arrays of the tiles."""
        touched = self._game.world.track(self._game.env)["touched"]
        for i in np.flatnonzero(touched).tolist():
            self.tiles[i].paint_touched()
        return self._polygons

    @cached_property
    def _polygons(self) -> list[RoadPolygon]:
        """Each tile, followed by its kerb if it has one."""
        road = self._game.world.track(self._game.env)
        kerbs: dict[int, RoadPolygon] = {}
        for tile, is_white, corners in zip(
            road["kerb_tiles"], road["kerb_is_white"], road["kerbs"], strict=True
        ):
            # NumPy's numbers, as in the stock game, which multiplies with numpy.sign.
            kerbs[int(tile)] = [(x, y) for x, y in corners], WHITE if is_white else RED
        polygons: list[RoadPolygon] = []
        for i, corners in enumerate(road["tiles"].tolist()):
            polygons.append(([(x, y) for x, y in corners], self.tiles[i].color))
            if i in kerbs:
                polygons.append(kerbs[i])
        return FrozenList(polygons)
