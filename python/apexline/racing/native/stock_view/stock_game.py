"""StockGame: a native game's reader with the objects of the running episode."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from apexline.racing.native.stock_view.car import Car
from apexline.racing.native.stock_view.read_only import FrozenList
from apexline.racing.native.stock_view.reader import EpisodeValues, GameReader
from apexline.racing.native.stock_view.tiles import Road

if TYPE_CHECKING:
    from apexline.racing.native.games import NativeGames


class EpisodeObjects:
    """The objects of one episode: the same ones at each access, as in the stock game."""

    def __init__(self, game: GameReader, episode: int, num_tiles: int) -> None:
        self.episode = episode
        self.road = Road(game, episode, num_tiles)
        self.car = Car(game, episode, self.road)
        self._game = game

    @cached_property
    def track(self) -> list[tuple[float, float, float, float]]:
        """The nodes of the track."""
        return FrozenList(map(tuple, self._game.world.track(self._game.env)["nodes"].tolist()))


class StockGame(GameReader):
    """Reads one game of a NativeGames for the attributes of the stock game.

    Args:
        games: the games.
        env: number of the game.
    """

    def __init__(self, games: NativeGames, env: int) -> None:
        super().__init__(games, env)
        self._objects: EpisodeObjects | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return StockGame, (self.games, self.env)

    def color(self, row: int) -> npt.NDArray[Any]:
        """Returns a row of the palette in the stock game's dtype, read-only."""
        color: npt.NDArray[Any] = self.palette()[row]
        if not self.games.options.domain_randomize:
            color = color.astype(np.int64)
        color.flags.writeable = False
        return color

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
            self._objects = EpisodeObjects(GameReader(self.games, self.env), episode, num_tiles)
        return self._objects

    def objects_of(self, name: str) -> EpisodeObjects:
        """Returns `objects` for an attribute. Raises AttributeError before the first reset."""
        objects = self.objects()
        if objects is None:
            raise AttributeError(f"`{name}` does not exist before the first reset")
        return objects


class StockGames(dict[int, StockGame]):
    """The StockGame of each game of a NativeGames, made when it is first used."""

    def __init__(self, games: NativeGames) -> None:
        super().__init__()
        self._games = games

    def __missing__(self, env: int) -> StockGame:
        self[env] = StockGame(self._games, env)
        return self[env]

    def __reduce__(self) -> tuple[Any, ...]:
        return StockGames, (self._games,)
