"""GameReader: reads the numbers of one native game for its stock attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from apexline import _core

if TYPE_CHECKING:
    from apexline.racing.native.games import NativeGames

Numbers = TypeVar("Numbers", bound=tuple[Any, ...])
EpisodeValues = tuple[int, int, int, float, float, float, bool]


class GameReader:
    """Reads one game of a NativeGames. It refers to no object of an episode, so that these make no reference cycles.

    Args:
        games: the games.
        env: number of the game.
    """

    def __init__(self, games: NativeGames, env: int) -> None:
        self.games = games
        self.env = env

    @property
    def world(self) -> _core.racing.World:
        """The C++ games."""
        return self.games.world

    def palette(self) -> npt.NDArray[np.float64]:
        """Returns the colours of road, background and grass, (3, 3) float64."""
        return self.world.palette(self.env)

    def values(self) -> EpisodeValues:
        """Returns episode, tiles of the road, visited tiles, t, reward, prev_reward and new_lap."""
        return self.world.episode_values(self.env)

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
