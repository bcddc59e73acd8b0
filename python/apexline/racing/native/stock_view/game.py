"""StockAttributes: the attributes of the stock game's environment, for CarRacingEnv and for one game of a vector."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from apexline.racing.native.stock_view.car import Car
from apexline.racing.native.stock_view.read_only import NO_BOX2D, ReadOnly, because, without
from apexline.racing.native.stock_view.stock_game import StockGame
from apexline.racing.native.stock_view.tiles import (
    RoadPolygon,
    Tile,
)
from apexline.racing.types import Frame

if TYPE_CHECKING:
    from apexline.racing.native.games import NativeGames

FIXED = "it is fixed when the environment is made"
START_ALPHA = 2 * math.pi * (-0.5) / 12


@without("contactListener_keepref fd_tile world", NO_BOX2D)
@without(
    "clock invisible_state_window invisible_video_window screen surf",
    "it does not draw with pygame; `render` returns images",
)
@without("_create_track", "tracks are made in C++; the options track and track_seed choose one")
@without("_destroy", "`reset` starts a new episode")
@without("_init_colors _reinit_colors", "colours are drawn in C++; see the option domain_randomize")
@without(
    "_create_image_array _draw_colored_polygon _render_indicators _render_road",
    "images are drawn in C++; `render` returns them",
)
class StockAttributes:
    """Read-only attributes of the stock game's CarRacing, with its names, types and values.

    Before the first reset they are None or missing as in the stock game. Names that the native game has not raise
    AttributeError with advice.
    """

    _stock: StockGame

    __slots__ = ()

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        for name in HOOKS:
            if name in vars(cls):  # also _render: `step` and `render` do not call it
                raise TypeError(f"{cls.__name__} defines `{name}`, which the native game would never call")

    @because("the options start_tile and start_speed place the car")
    def car(self) -> Car | None:
        """The car: `hull`, `wheels`, ...; None before the first reset. A new one after each reset."""
        objects = self._stock.objects()
        return None if objects is None else objects.car

    @because("the options track and track_seed choose it")
    def track(self) -> list[tuple[float, float, float, float]]:
        """The centre line, one (alpha, beta, x, y) per tile."""
        return self._stock.objects_of("track").track

    @because("the options track and track_seed choose it")
    def road(self) -> list[Tile] | None:
        """The tiles; None before the first reset."""
        objects = self._stock.objects()
        return None if objects is None else objects.road.tiles

    @because("the options track and track_seed choose it")
    def road_poly(self) -> list[RoadPolygon]:
        """Corners and colour of each tile and kerb, in drawing order."""
        return self._stock.objects_of("road_poly").road.polygons()

    @ReadOnly
    def tile_visited_count(self) -> int:
        """Number of visited tiles."""
        return self._stock.values_of("tile_visited_count")[2]

    @ReadOnly
    def t(self) -> float:
        """Game time since the reset, seconds."""
        return self._stock.values_of("t")[3]

    @ReadOnly
    def reward(self) -> float:
        """The displayed score: 1000 / tiles for each visited tile, -0.1 for each frame."""
        return self._stock.values()[4]

    @ReadOnly
    def prev_reward(self) -> float:
        """`reward` after the last frame with an action."""
        return self._stock.values()[5]

    @ReadOnly
    def new_lap(self) -> bool:
        """Whether the lap is complete by `lap_complete_percent`."""
        return self._stock.values()[6]

    @ReadOnly
    def state(self) -> Frame:
        """The current observation, drawn when read."""
        self._stock.values_of("state")
        frame: Frame = self._stock.games.observe([self._stock.env])[0]
        return frame

    @ReadOnly
    def start_alpha(self) -> float:
        """Polar angle of the start line."""
        self._stock.values_of("start_alpha")
        return START_ALPHA

    @because("see the option domain_randomize")
    def road_color(self) -> npt.NDArray[Any]:
        """(3,), read-only: int64, or float64 with `domain_randomize`."""
        return self._stock.color(0)

    @because("see the option domain_randomize")
    def bg_color(self) -> npt.NDArray[Any]:
        """(3,), read-only: int64, or float64 with `domain_randomize`."""
        return self._stock.color(1)

    @because("see the option domain_randomize")
    def grass_color(self) -> npt.NDArray[Any]:
        """(3,), read-only: int64, or float64 with `domain_randomize`."""
        return self._stock.color(2)

    @ReadOnly
    def isopen(self) -> bool:
        """False once a window was closed."""
        return self._stock.games.is_open

    def _render(self, mode: str) -> Frame | None:
        """Returns the image of a render mode as `render` does; None before the first reset, and with "human".

        Raises ValueError unless it is the environment's render mode or "state_pixels": the window and the skid marks of
        other images exist with their modes only.
        """
        if self._stock.values()[1] == 0:
            return None
        return self._stock.games.image(self._stock.env, mode)

    @because(FIXED)
    def continuous(self) -> bool:
        """Whether actions are continuous."""
        return self._stock.games.options.continuous

    @because(FIXED)
    def domain_randomize(self) -> bool:
        """Whether each reset draws new colours."""
        return self._stock.games.options.domain_randomize

    @because(FIXED)
    def lap_complete_percent(self) -> float:
        """Fraction of the tiles that completes a lap at the start line."""
        return self._stock.games.options.lap_complete_percent

    @because(FIXED)
    def verbose(self) -> bool:
        """Whether a line is printed for each new track."""
        return self._stock.games.verbose

    @because(FIXED)
    def render_mode(self) -> str | None:
        """The render mode."""
        return self._stock.games.render_mode


HOOKS = (
    "_render",
    "_create_image_array",
    "_create_track",
    "_destroy",
    "_draw_colored_polygon",
    "_init_colors",
    "_reinit_colors",
    "_render_indicators",
    "_render_road",
)
"""Methods of the stock game that subclasses of it override."""


class GameView(StockAttributes):
    """One game of a NativeGames under the stock game's names.

    Args:
        games: the games.
        env: number of the game.
    """

    __slots__ = ("_stock",)

    def __init__(self, games: NativeGames, env: int) -> None:
        self._stock = StockGame(games, env)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(env={self._stock.env})"
