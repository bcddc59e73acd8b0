"""Game options and reward-shaping rules: the one list that environments, wrappers, C++ core and command line share."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeAlias, TypedDict

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from apexline.racing.own_track import MIN_NODES, require_track
from apexline.racing.validation import (
    INT32_MAX,
    require,
    require_bool,
    require_integer,
    require_number,
    require_positive,
    require_size,
    shown,
)

FULL_SIDE = 96
"""Side of the game's own image, in pixels."""
CROPPED_SIDE = 84
"""Side of the image without the indicators, in pixels."""
VARIATIONS = ("track_seed", "track", "start_tile", "start_speed", "friction", "engine_power")
"""Fields of GameOptions that change the task: episodes that are scored have their defaults."""
NATIVE_ONLY = ("ends_at_start_line", *VARIATIONS, "zoom")
"""Fields of GameOptions that the backend "gymnasium" does not implement."""
SURFACE_SIZE = (800, 1000)
"""Height and width of the surface that the game draws on, in pixels."""
LEAST_SCALED = (4, 4)
"""Least height and width of an image scaled from the surface: 1/256 of it, rounded up."""


@dataclass(frozen=True)
class GameOptions:
    """Rules of an episode, actions, and format of frames. The defaults are those of gymnasium's CarRacing-v3.

    Raises ValueError or TypeError, naming field and value, if a value is out of range.
    """

    lap_complete_percent: float = 0.95
    """Fraction of the tiles to visit before crossing the start line ends the lap (see `ends_at_start_line`)."""
    domain_randomize: bool = False
    """Draw the colours of road and background at random for each episode."""
    continuous: bool = True
    """Continuous actions (steer, gas, brake); False: five discrete actions."""
    pedal: bool = False
    """Two continuous actions (steer, pedal): gas and brake on one axis in [-1, 1]."""
    action_repeat: int = 1
    """Game frames (1/50 s) for which an action is held, >= 1; their rewards are summed."""
    max_episode_frames: int | None = None
    """Game frames after which an episode is truncated, >= 1; None: no limit. 1000 is the length of an episode of
    `gymnasium.make("CarRacing-v3")`, for any `action_repeat`."""
    ends_at_start_line: bool = False
    """End a lap when the car is back at its start tile and `lap_complete_percent` is visited. The stock game means to
    do so, but its rule applies at the first visit of tile 0 only, which is at the start: only a lap with every tile
    visited ends. Backend `native` only."""
    track_seed: int | None = None
    """Seed, >= 0, of the track of every episode: the one that `reset(seed=track_seed)` of the stock game creates,
    without `domain_randomize`. The game's random stream then gives colours only. None: a new track for each episode.
    Backend `native` only."""
    track: Sequence[Sequence[float]] | None = None
    """Track of every episode, in units: nodes (n, 4), alpha, beta, x, y as in the stock game's `track`, or points
    (n, 2), x, y of a closed centre line in driving order; n from 8 to 2500. A sequence or an array, kept as a tuple of
    nodes. Not with `track_seed`. Backend `native` only."""
    start_tile: int | Literal["random"] = 0
    """Tile at whose end the car starts, modulo their number; `random`: one drawn from the game's random stream at each
    reset, after the track. Backend `native` only."""
    start_speed: float = 0.0
    """Speed of the car at the start, from 0 to 100, in units per second; the wheels roll with it. Backend `native`
    only."""
    friction: float = 1.0
    """Factor of the tyres' grip, FRICTION_LIMIT of the stock game, on the road and off it, > 0 and <= 100. Backend
    `native` only."""
    engine_power: float = 1.0
    """Factor of ENGINE_POWER of the stock game, > 0 and <= 100. Backend `native` only."""
    zoom: float = 2.7
    """ZOOM of the stock game, from 0.1 to 5: zoom of the camera after the first second, in pixels of the window
    (1000x800) per 1/6 unit. Backend `native` only."""
    skip_zoom: int = 0
    """Game frames without action after a reset, before the first observation, from 0 to `max_episode_frames` - 1; they
    count in `frames`, `score` and `max_episode_frames`. The game zooms in over its first 49 frames, whose images show
    little of the road."""
    crop_hud: bool = False
    """Cut off the indicators: keep rows 0:84 and columns 6:90."""
    gray: bool = False
    """One channel, (299 R + 587 G + 114 B + 500) // 1000, instead of three."""
    frame_size: int | tuple[int, int] | None = None
    """Side of a frame, or height and width, in pixels; None: 96, or 84 with `crop_hud`. Up to these, an area mean of
    the game's image. If a side is above 96, up to 800 x 1000: the game's surface scaled as the stock game scales it,
    in about a hundred times the time; not with `crop_hud`."""
    channels_first: bool = False
    """Channel axis first, (channels, height, width), instead of last; no effect on frames without channel axis."""
    frame_stack: int = 1
    """Frames of an observation: those of the last steps, oldest first, from 1 to 256. They are concatenated along the
    channel axis, or stacked along a new first axis if there is none. The first frame of an episode fills the stack."""
    road_contrast: bool = False
    """With `gray`: raise the contrast of the road by a tone curve (see `RoadContrast`). Tiles not yet visited, whose
    shades alternate by 2 of 255, then differ clearly from visited ones, which share one shade."""
    keep_dim: bool = False
    """With `gray`: keep a channel axis of length 1, as gymnasium's GrayscaleObservation does."""

    def __post_init__(self) -> None:
        require_number("lap_complete_percent", self.lap_complete_percent)
        for field in fields(self):
            if isinstance(field.default, bool):
                require_bool(field.name, getattr(self, field.name))
        self._check_variations()
        require_integer("action_repeat", self.action_repeat, 1)
        most_skipped = 2**31 - 2
        if self.max_episode_frames is not None:
            limit = require_integer("max_episode_frames", self.max_episode_frames, 1, none="None or ")
            most_skipped = limit - 1
        require_integer("skip_zoom", self.skip_zoom, 0, most_skipped)
        if self.frame_size is not None:
            object.__setattr__(self, "frame_size", self._checked_frame_size(self.frame_size))
        require_integer("frame_stack", self.frame_stack, 1, 256)
        require("pedal", self.pedal, self.continuous or not self.pedal, "False if continuous is False")
        for name in ("road_contrast", "keep_dim"):
            value = getattr(self, name)
            require(name, value, self.gray or not value, "False if gray is False")

    def _check_variations(self) -> None:
        """Checks the fields that are constants in the stock game, and makes them plain numbers."""
        checked: dict[str, object] = {}
        if not isinstance(self.start_tile, str) or self.start_tile != "random":
            start = require_integer("start_tile", self.start_tile, -INT32_MAX, none="'random' or ")
            checked["start_tile"] = start
        require_number("start_speed", self.start_speed, 0, 100)
        for name in ("friction", "engine_power"):
            require_positive(name, getattr(self, name), 100)
        require_number("zoom", self.zoom, 0.1, 5)
        checked |= {
            name: float(getattr(self, name)) for name in ("start_speed", "friction", "engine_power", "zoom")
        }
        if self.track_seed is not None:
            checked["track_seed"] = require_integer("track_seed", self.track_seed, 0, None, none="None or ")
        if self.track is not None:
            checked["track"] = require_track(self.track)
            require("track_seed", self.track_seed, self.track_seed is None, "None if track is given")
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def _checked_frame_size(self, value: object) -> int | tuple[int, int]:
        """Returns plain ints. Raises ValueError or TypeError if the frame size does not fit."""
        most = (CROPPED_SIDE, CROPPED_SIDE) if self.crop_hud else SURFACE_SIZE
        otherwise = f"None, an integer from 1 to {min(most)} or "
        try:
            side = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            size = require_size("frame_size", value, (1, 1), most, otherwise=otherwise)
            least = min(LEAST_SCALED)
            fits = min(size) >= least or max(size) <= FULL_SIDE
            require("frame_size", size, fits, f"sides >= {least} if one is above {FULL_SIDE}")
            return size
        condition = f"{otherwise}(height, width) from (1, 1) to {most}"
        require("frame_size", side, 1 <= side <= min(most), condition)
        return side

    @property
    def visible_side(self) -> int:
        """Side of the image before the area mean, in pixels."""
        return CROPPED_SIDE if self.crop_hud else FULL_SIDE

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of a frame, in pixels."""
        size = self.visible_side if self.frame_size is None else self.frame_size
        return size if isinstance(size, tuple) else (size, size)

    @property
    def is_scaled_from_surface(self) -> bool:
        """Whether frames are scaled from the game's surface, not from its 96x96 image: a side is above 96."""
        return max(self.image_size) > FULL_SIDE

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Shape of one frame: (H, W) if gray without `keep_dim`, else (H, W, C), or (C, H, W) with `channels_first`.

        C is 1 if gray, else 3.
        """
        if self.gray and not self.keep_dim:
            return self.image_size
        channels = 1 if self.gray else 3
        return (channels, *self.image_size) if self.channels_first else (*self.image_size, channels)

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """Shape of an observation: `frame_shape`, with the channels times `frame_stack` or, without a channel axis,
        with `frame_stack` in front if it is above 1."""
        shape = self.frame_shape
        if self.frame_stack == 1:
            return shape
        axis = self.channel_axis
        if axis is None:
            return self.frame_stack, *shape
        return *shape[:axis], self.frame_stack * shape[axis], *shape[axis + 1 :]

    @property
    def channel_axis(self) -> int | None:
        """Axis of the channels in a frame, 0 or 2; None if there is none."""
        if len(self.frame_shape) == 2:
            return None
        return 0 if self.channels_first else 2

    @property
    def observation_space(self) -> gym.spaces.Box:
        """Space of one environment's observations: uint8 of `observation_shape`."""
        return gym.spaces.Box(0, 255, self.observation_shape, np.uint8)

    @property
    def action_space(self) -> gym.spaces.Box | gym.spaces.Discrete:
        """Space of one environment's actions: float32 (3,) or (2,), or Discrete(5)."""
        if not self.continuous:
            return gym.spaces.Discrete(5)
        return gym.spaces.Box(*self.action_bounds, dtype=np.float32)

    @property
    def action_bounds(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Lowest and highest continuous action: (A,) float32 each, A = 2 with `pedal`, else 3."""
        low = [-1, -1] if self.pedal else [-1, 0, 0]
        return np.array(low, np.float32), np.ones(len(low), np.float32)

    def for_evaluation(self) -> GameOptions:
        """The same observations and actions with the stock game's tracks, start, friction and power."""
        defaults = {field.name: field.default for field in fields(self) if field.name in VARIATIONS}
        return replace(self, **defaults)  # type: ignore[arg-type]

    def native_only_errors(self) -> list[str]:
        """Errors about options that the backend "gymnasium" refuses."""
        return [
            f"{field.name} is {_shown(getattr(self, field.name))}; expected {field.default} with backend 'gymnasium'"
            for field in fields(self)
            if field.name in NATIVE_ONLY and getattr(self, field.name) != field.default
        ]


def changed_fields(options: GameOptions) -> list[str]:
    """The fields that differ from their defaults, each as "name=value"."""
    pairs = ((field, getattr(options, field.name)) for field in fields(options))
    return [f"{field.name}={_shown(value)}" for field, value in pairs if value != field.default]


def _shown(value: object) -> str:
    is_track = isinstance(value, tuple) and len(value) >= MIN_NODES
    return f"<{len(value)} nodes>" if is_track else repr(value)  # type: ignore[arg-type]


class GameKwargs(TypedDict, total=False):
    """The fields of GameOptions as keyword arguments."""

    lap_complete_percent: float
    domain_randomize: bool
    continuous: bool
    pedal: bool
    action_repeat: int
    max_episode_frames: int | None
    ends_at_start_line: bool
    track_seed: int | None
    track: Sequence[Sequence[float]] | None
    start_tile: int | Literal["random"]
    start_speed: float
    friction: float
    engine_power: float
    zoom: float
    skip_zoom: int
    crop_hud: bool
    gray: bool
    frame_size: int | tuple[int, int] | None
    channels_first: bool
    frame_stack: int
    road_contrast: bool
    keep_dim: bool


@dataclass(frozen=True)
class ShapingRules:
    """Reward shaping and early termination of training episodes; every rule is off by default.

    A step is an agent step of `action_repeat` game frames. The rules apply in the order of the wrappers
    LapTermination, MissedTilePenalty, IdlePenalty, StallTermination. Evaluation never applies them.

    Raises ValueError or TypeError, naming field and value, if a value is out of range.
    """

    stall_steps: int | None = None
    """Steps in a row without a new tile after which the episode is terminated, >= 1; None: off."""
    stall_penalty: float = 10.0
    """Subtracted from the reward of the step that `stall_steps` terminates, >= 0."""
    idle_penalty: float = 0.0
    """Subtracted from the reward of every step without a new tile, >= 0."""
    lap_bonus: float | None = None
    """Added to the reward of the step that completes a lap, >= 0. A lap is complete when the last tile is visited, or
    when the car is back at the start of the road with tiles missed; the latter then terminates the episode too.
    None: off."""
    missed_tile_penalty: float = 0.0
    """Subtracted from the reward of a step that leaves one or more tiles behind unvisited, >= 0."""
    missed_tile_margin: int = 3
    """A tile counts as left behind once the car is more than this many tiles past it, >= 0."""

    def __post_init__(self) -> None:
        if self.stall_steps is not None:
            require_integer("stall_steps", self.stall_steps, 1, none="None or ")
        require_integer("missed_tile_margin", self.missed_tile_margin, 0)
        if self.lap_bonus is not None:
            require_number("lap_bonus", self.lap_bonus, 0, none="None or ")
        for name in ("stall_penalty", "idle_penalty", "missed_tile_penalty"):
            require_number(name, getattr(self, name), 0)


RulesLike: TypeAlias = ShapingRules | Mapping[str, Any] | None
"""Shaping rules as environments take them: also as a dict of the fields, e.g. from JSON; None: none."""


def rules_of(rules: RulesLike) -> ShapingRules | None:
    """Returns the rules, made from their fields if `rules` is a mapping.

    Raises TypeError if it is neither, and ValueError or TypeError, naming field and value, if a field is unknown or a
    value is out of range.
    """
    if isinstance(rules, ShapingRules | None):
        return rules
    if not isinstance(rules, Mapping):
        raise TypeError(f"rules is {shown(rules)}; expected a ShapingRules, a dict of its fields or None")
    known = [field.name for field in fields(ShapingRules)]
    for name, value in rules.items():
        require(f"rules[{name!r}]", value, name in known, f"one of the keys {', '.join(known)}")
    return ShapingRules(**rules)
