"""StockGame: reads one native game for its stock attributes, and keeps the objects of the running episode."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from apexline import _core
from apexline.racing.native.stock_view.car import Car
from apexline.racing.native.stock_view.read_only import FrozenList
from apexline.racing.native.stock_view.tiles import RoadPolygon, Tile, make_polygons, make_tiles

if TYPE_CHECKING:
    from apexline.racing.native.games import NativeGames

Numbers = TypeVar("Numbers", bound=tuple[Any, ...])
EpisodeValues = tuple[int, int, int, float, float, float, bool]


class EpisodeObjects:
    """The objects of one episode: the same ones at each access, as in the stock game."""

    def __init__(self, game: StockGame, episode: int, num_tiles: int) -> None:
        self.episode = episode
        self._game = game
        self._num_tiles = num_tiles

    @cached_property
    def car(self) -> Car:
        """The car."""
        return Car(self._game, self.episode)

    @cached_property
    def track(self) -> list[tuple[float, float, float, float]]:
        """The nodes of the track."""
        return FrozenList(map(tuple, self._game.world.track(self._game.env)["nodes"].tolist()))

    @cached_property
    def road(self) -> list[Tile]:
        """The tiles."""
        return make_tiles(self._game, self.episode, self._num_tiles)

    @cached_property
    def road_poly(self) -> list[RoadPolygon]:
        """The polygons of tiles and kerbs, which share the colours of the tiles."""
        return make_polygons(self._game.world.track(self._game.env), self.road)


class StockGame:
    """Reads one game of a NativeGames for the attributes of the stock game.

    Args:
        games: the games.
        env: number of the game.
    """

    def __init__(self, games: NativeGames, env: int) -> None:
        self.games = games
        self.env = env
        self._objects: EpisodeObjects | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return StockGame, (self.games, self.env)

    @property
    def world(self) -> _core.racing.World:
        """The C++ games."""
        return self.games.world

    def palette(self) -> npt.NDArray[np.float64]:
        """Returns the colours of road, background and grass, (3, 3) float64."""
        return self.world.palette(self.env)

    def color(self, row: int) -> npt.NDArray[Any]:
        """Returns a row of the palette in the stock game's dtype, read-only."""
        color: npt.NDArray[Any] = self.palette()[row]
        if not self.games.options.domain_randomize:
            color = color.astype(np.int64)
        color.flags.writeable = False
        return color

    def values(self) -> EpisodeValues:
        """Returns episode, tiles of the road, visited tiles, t, reward, prev_reward and new_lap."""
        return self.world.episode_values(self.env)

    def values_of(self, name: str) -> EpisodeValues:
        """Returns `values` for an attribute. Raises AttributeError, as the stock game does, before the first reset."""
        values = self.values()
        if values[1] == 0:
            raise AttributeError(f"`{name}` does not exist before the first reset")
        return values

    def objects(self) -> EpisodeObjects | None:
        """Returns the objects of the running episode; None before the first reset."""
        episode, num_tiles, *_ = self.values()
        if num_tiles == 0:
            return None
        if self._objects is None or self._objects.episode != episode:
            self._objects = EpisodeObjects(self, episode, num_tiles)
        return self._objects

    def objects_of(self, name: str) -> EpisodeObjects:
        """Returns `objects` for an attribute. Raises AttributeError before the first reset."""
        objects = self.objects()
        if objects is None:
            raise AttributeError(f"`{name}` does not exist before the first reset")
        return objects

    def current(self, values: Numbers, episode: int) -> Numbers:
        """Returns numbers of the core, whose first is the episode's. Raises RuntimeError if that episode is over."""
        if values[0] != episode:
            raise RuntimeError(
                "this object is of an episode that is over; read `car` or `road` of the environment again"
            )
        return values

    def require_skid_marks(self, name: str) -> None:
        """Raises AttributeError unless skid marks are recorded."""
        if not self.games.keeps_skid_marks:
            raise AttributeError(
                f'the native game has no `{name}`: it records skid marks with render_mode "rgb_array" or "human" only'
            )
