"""The native game as both environments share it: options, random streams, episodes, images, states."""

from __future__ import annotations

import math
import operator
import struct
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.error import ClosedEnvironmentError, ResetNeeded

from apexline import _core
from apexline.racing.native.glyphs import load_glyphs
from apexline.racing.native.snapshots import CarSnapshot, SkidMark, TrackSnapshot
from apexline.racing.native.window import Window
from apexline.racing.options import CROPPED_SIDE, FULL_SIDE, EnvOptions, ShapingRules
from apexline.racing.types import Frame

Reports: TypeAlias = npt.NDArray[np.void]
"""(num_envs,) structured: what C++ tells of each game besides its image."""
Outcome: TypeAlias = tuple[Frame, Reports, Frame | None, Reports | None]
"""Frames and reports, and in same-step autoreset, where a game has ended, the last ones of its episode."""

FRAMES_PER_SECOND = 50
"""Of the game."""
EPISODE_FRAMES = 1000
"""After which gymnasium truncates the stock game."""
VIDEO_SIZE = (600, 400)
"""Width and height of an "rgb_array" image, in pixels."""
WINDOW_SIZE = (1000, 800)
"""Width and height of the game's window, in pixels."""
RENDER_MODES = ("human", "rgb_array", "state_pixels")
ENDED_BY = np.array([None, "stall", "lap_end"], object)
"""By the number that C++ gives a rule."""

MOST_FRAMES = 2**31 - 1
MOST_THREADS = 1024
MOST_ENVS = 2**16
GAMES_A_THREAD = 2
"""A game takes some 25 us a step, about what waking another thread takes; with fewer there is little to win."""


def require(name: str, value: object, holds: bool, demand: str) -> None:
    """Raises ValueError, naming name, value and demand, unless it holds."""
    if not holds:
        raise ValueError(f"{name} is {value!r}; it must be {demand}")


def require_integer(name: str, value: object, low: int, high: int) -> int:
    """The value as an int; raises TypeError or ValueError where it is none, or not from low to high."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} is {value!r}; it must be an integer") from None
    require(name, value, low <= number <= high, f"from {low} to {high}")
    return number


@dataclass(frozen=True)
class GameOptions:
    """What a game is; the fields are the arguments of CarRacingVectorEnv, which documents them.

    Raises ValueError or TypeError, naming field and value, where a value is out of range.
    """

    lap_complete_percent: float = 0.95
    domain_randomize: bool = False
    continuous: bool = True
    max_episode_frames: int = EPISODE_FRAMES
    action_repeat: int = 1
    gray: bool = False
    road_contrast: bool = False
    crop_hud: bool = False
    frame_shape: tuple[int, int] | None = None
    channels_first: bool = False
    pedal: bool = False
    skip_zoom: int = 0
    rules: ShapingRules | None = None
    ends_at_start_line: bool = False

    def __post_init__(self) -> None:
        percent = self.lap_complete_percent
        require("lap_complete_percent", percent, math.isfinite(percent), "finite")
        limit = require_integer("max_episode_frames", self.max_episode_frames, 0, MOST_FRAMES)
        require_integer("action_repeat", self.action_repeat, 1, MOST_FRAMES)
        most_skipped = (limit or MOST_FRAMES) - 1
        require_integer("skip_zoom", self.skip_zoom, 0, most_skipped)
        if self.pedal and not self.continuous:
            raise ValueError("pedal is True and continuous is False; a pedal is a continuous action")
        if self.road_contrast and not self.gray:
            raise ValueError("road_contrast is True and gray is False; it is a tone curve of gray frames")
        if not isinstance(self.rules, ShapingRules | None):
            raise TypeError(f"rules is {self.rules!r}; it must be a ShapingRules or None")
        if self.rules is not None:
            for name in ("stall_steps", "missed_tile_margin"):
                require_integer(f"rules.{name}", getattr(self.rules, name), 0, MOST_FRAMES)
        _ = self.frame_size

    def limited(self, steps: int | None) -> GameOptions:
        """The same with episodes of at most so many steps; None or -1 is no limit.

        Raises ValueError or TypeError, naming it, where it is out of range.
        """
        if steps is None or steps == -1:
            return self
        require_integer("max_episode_steps", steps, 1, MOST_FRAMES)
        frames = min(self.skip_zoom + steps * self.action_repeat, self.max_episode_frames or MOST_FRAMES)
        return replace(self, max_episode_frames=frames)

    @property
    def frame_size(self) -> int:
        """Side of a frame in pixels."""
        side = CROPPED_SIDE if self.crop_hud else FULL_SIDE
        if self.frame_shape is None:
            return side
        demand = f"(n, n) with n from 1 to {side}"
        try:
            height, width = (operator.index(length) for length in self.frame_shape)
        except (TypeError, ValueError):
            raise ValueError(f"frame_shape is {self.frame_shape!r}; it must be {demand}") from None
        require("frame_shape", self.frame_shape, height == width and 1 <= height <= side, demand)
        return height

    @property
    def observation_space(self) -> gym.spaces.Box:
        """Of one game."""
        square = (self.frame_size, self.frame_size)
        colour = (3, *square) if self.channels_first else (*square, 3)
        return gym.spaces.Box(0, 255, square if self.gray else colour, np.uint8)

    @property
    def action_space(self) -> gym.spaces.Box | gym.spaces.Discrete:
        """Of one game."""
        if not self.continuous:
            return gym.spaces.Discrete(5)
        if self.pedal:
            return gym.spaces.Box(-1, 1, (2,), np.float32)
        return gym.spaces.Box(np.array([-1, 0, 0], np.float32), np.array([1, 1, 1], np.float32))

    @property
    def action_kind(self) -> str:
        """As C++ calls it."""
        return "discrete" if not self.continuous else "pedal" if self.pedal else "continuous"


def native_arguments(options: EnvOptions, *, training: bool) -> dict[str, Any]:
    """The arguments of a native environment that plays what `options` describe, with its rules where `training`."""
    return {
        "action_repeat": options.action_repeat,
        "gray": options.gray,
        "road_contrast": options.road_contrast,
        "crop_hud": options.crop_hud,
        "frame_shape": (options.frame_size, options.frame_size),
        "channels_first": True,
        "pedal": options.pedal,
        "skip_zoom": options.skip_zoom,
        "rules": options.rules if training else None,
    }


class NativeGames:
    """The games of an environment, checked against being closed or not yet reset.

    Args:
        options: of every game.
        random: whose states the games start from; the generators themselves are not used.
        autoreset: "next_step", "same_step" or "disabled".
        num_threads: None is a thread for every GAMES_A_THREAD games, up to the processors of this process.
        render_mode: one of RENDER_MODES or None.
        verbose: whether each new track is told on the standard output.
        owner: the class that errors name.

    Raises ValueError or TypeError, naming argument and value, where a value is out of range, and
    gymnasium.error.DependencyNotInstalled where render_mode is "human" and pygame is not installed.
    """

    def __init__(
        self,
        options: GameOptions,
        random: Sequence[np.random.Generator],
        *,
        autoreset: str,
        num_threads: int | None,
        render_mode: str | None,
        verbose: bool,
        owner: str,
    ) -> None:
        known = f"None or one of {', '.join(map(repr, RENDER_MODES))}"
        require("render_mode", render_mode, render_mode in (None, *RENDER_MODES), known)
        if num_threads is None:
            num_threads = max(1, min(_core.available_processors(), len(random) // GAMES_A_THREAD))
        threads = require_integer("num_threads", num_threads, 1, MOST_THREADS)
        self._render_mode = render_mode
        self._frame_rate = FRAMES_PER_SECOND / options.action_repeat
        self._window = Window(WINDOW_SIZE) if render_mode == "human" else None
        self._verbose = verbose
        self._owner = owner
        self._core: _core.racing.World | None = _core.racing.World(
            states=np.stack([words(generator) for generator in random]),
            actions=options.action_kind,
            autoreset=autoreset,
            action_repeat=options.action_repeat,
            skip_zoom=options.skip_zoom,
            max_frames=options.max_episode_frames,
            domain_randomize=options.domain_randomize,
            ends_at_start_line=options.ends_at_start_line,
            lap_complete_percent=options.lap_complete_percent,
            keeps_skid_marks=render_mode in ("human", "rgb_array"),
            crop_hud=options.crop_hud,
            gray=options.gray,
            frame_size=options.frame_size,
            interleaved=not options.channels_first,
            road_contrast=options.road_contrast,
            rules=asdict(options.rules or ShapingRules()),
            glyphs=load_glyphs().arrays,
            num_threads=threads,
        )

    @property
    def core(self) -> _core.racing.World:
        """Raises ClosedEnvironmentError where the environment is closed."""
        if self._core is None:
            raise ClosedEnvironmentError(f"{self._owner} is closed")
        return self._core

    def reset(
        self,
        resets: npt.NDArray[np.bool_],
        recolours: npt.NDArray[np.bool_],
        reseeds: npt.NDArray[np.bool_],
        states: npt.NDArray[np.uint64],
    ) -> tuple[Frame, Reports]:
        """Begins episodes where `resets` says so; frames and reports of the other games are not written."""
        frames, reports = self.core.reset(resets, recolours, reseeds, states)
        self._after(reports)
        return frames, reports

    def step(self, actions: Any) -> Outcome:
        """Raises ResetNeeded where a game needs a reset."""
        core = self._core if self._core is not None else self.core
        try:
            outcome = core.step(actions)
        except _core.racing.ResetNeededError as error:
            raise ResetNeeded(str(error)) from None
        if self._verbose or self._window is not None:
            self._after(outcome[1])
        return outcome

    def observe(self) -> Frame:
        """The observations of the games as they stand. Raises ResetNeeded where one was never reset."""
        try:
            return self.core.observe()
        except _core.racing.ResetNeededError as error:
            raise ResetNeeded(str(error)) from None

    def image(self, env: int) -> Frame | None:
        """What the render mode shows of a game: (400, 600, 3) or (96, 96, 3) uint8, or None for a window."""
        if self._render_mode == "human":
            self.show()
            return None
        if self._render_mode == "state_pixels":
            return self._portrait(env, (FULL_SIDE, FULL_SIDE), with_skid_marks=False)
        return self._portrait(env, VIDEO_SIZE, with_skid_marks=True)

    def show(self) -> None:
        """Brings the window up to date with the first game and waits until the game's clock has caught up."""
        if self._window is not None:
            self._window.show(self._portrait(0, WINDOW_SIZE, with_skid_marks=True), self._frame_rate)

    def track(self, env: int) -> TrackSnapshot:
        """Raises IndexError where there is no such game."""
        return TrackSnapshot(**self.core.track(env))

    def car(self, env: int) -> CarSnapshot:
        """Raises IndexError where there is no such game."""
        return CarSnapshot(**self.core.car(env))

    def skid_marks(self, env: int) -> list[SkidMark]:
        """Raises IndexError where there is no such game."""
        return [SkidMark(*mark) for mark in self.core.skid_marks(env)]

    def close(self) -> None:
        """Gives threads, memory and window back; closing again does nothing."""
        self._core = None
        if self._window is not None:
            self._window.close()

    def _portrait(self, env: int, size: tuple[int, int], *, with_skid_marks: bool) -> Frame:
        try:
            return self.core.portrait(env, *size, with_skid_marks)
        except _core.racing.ResetNeededError as error:
            raise ResetNeeded(str(error)) from None

    def _after(self, reports: Reports) -> None:
        if self._verbose:
            for env in np.flatnonzero(reports["was_reset"]):
                self._tell_track(int(env), len(reports))
        self.show()

    def _tell_track(self, env: int, num_envs: int) -> None:
        """The stock game's words. It also says where in its pen's trace a lap lies, which nobody here knows."""
        place = f"environment {env}: " if num_envs > 1 else ""
        for _ in range(self.core.failed_tracks(env)):
            print(f"{place}retry to generate track (normal if there are not manyinstances of this message)")
        print(f"{place}Track generation: {len(self.track(env).tiles) + 1}-tiles track")


def words(generator: np.random.Generator) -> npt.NDArray[np.uint64]:
    """A PCG64 generator's state as C++ takes it, (6,) uint64. Raises TypeError for another kind."""
    state = generator.bit_generator.state
    if state["bit_generator"] != "PCG64":
        raise TypeError(f"np_random draws from {state['bit_generator']}; the game needs PCG64")
    word = 2**64 - 1
    value, increment = state["state"]["state"], state["state"]["inc"]
    halves = (value >> 64, value & word, increment >> 64, increment & word)
    return np.array([*halves, state["has_uint32"], state["uinteger"]], np.uint64)


def set_words(generator: np.random.Generator, state: npt.NDArray[np.uint64]) -> None:
    """Puts a PCG64 generator into a state that C++ gave."""
    value_high, value_low, increment_high, increment_low, has_uint32, uinteger = map(int, state)
    generator.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": value_high << 64 | value_low, "inc": increment_high << 64 | increment_low},
        "has_uint32": has_uint32,
        "uinteger": uinteger,
    }


@dataclass(frozen=True)
class EpisodeSoFar:
    """What Python keeps of a running episode."""

    total: float = 0.0
    """Sum of the rewards that `step` gave."""
    steps: int = 0
    seconds: float = 0.0
    """Since its reset."""


_HEADER = struct.Struct("<Idqd")


def pack_state(core: _core.racing.World, env: int, episode: EpisodeSoFar) -> bytes:
    """A game's state and what Python keeps of it as bytes, with a checksum over all of them."""
    state = core.save(env)
    fields = (episode.total, episode.steps, episode.seconds)
    sum_over_all = zlib.crc32(_HEADER.pack(0, *fields) + state)
    return _HEADER.pack(sum_over_all, *fields) + state


def unpack_states(core: _core.racing.World, states: dict[int, bytes]) -> dict[int, EpisodeSoFar]:
    """Puts games into states, all of them or, where one is refused, none.

    Raises ValueError or TypeError, naming the game, where bytes are not a state.
    """
    before = {env: core.save(env) for env in states}
    episodes = {}
    try:
        for env, state in states.items():
            episodes[env] = _unpack_state(core, env, state)
    except BaseException:
        for env, old in before.items():
            core.load(env, old)
        raise
    return episodes


def _unpack_state(core: _core.racing.World, env: int, state: bytes) -> EpisodeSoFar:
    if not isinstance(state, bytes):
        raise TypeError(f"the state of environment {env} is a {type(state).__name__}; it must be bytes")
    if len(state) < _HEADER.size:
        raise ValueError(f"the state of environment {env} holds {len(state)} bytes; it is cut off")
    sum_over_all, *fields = _HEADER.unpack_from(state)
    content = state[_HEADER.size :]
    if zlib.crc32(_HEADER.pack(0, *fields) + content) != sum_over_all:
        raise ValueError(f"the state of environment {env} is damaged, or of another version of apexline")
    try:
        core.load(env, content)
    except ValueError as error:
        raise ValueError(f"environment {env}: {error}") from None
    return EpisodeSoFar(*fields)
