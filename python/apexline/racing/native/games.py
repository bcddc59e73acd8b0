"""The part that both native environments share: stepping, resets, images and snapshots of the C++ games."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.utils.seeding import np_random

from apexline import _core
from apexline.racing.native.arguments import Ids
from apexline.racing.native.errors import InvalidActionError
from apexline.racing.native.glyphs import load_glyphs
from apexline.racing.native.render_lists import RenderLists
from apexline.racing.native.rng import State, generator_state
from apexline.racing.native.snapshots import Cars, CarSnapshot, SkidMark, TrackSnapshot
from apexline.racing.native.window import Window, can_open
from apexline.racing.options import (
    FULL_SIDE,
    LEAST_SCALED,
    SURFACE_SIZE,
    GameOptions,
    RulesLike,
    rules_of,
)
from apexline.racing.types import Frame
from apexline.racing.validation import require, require_integer, require_size, shown

Reports: TypeAlias = npt.NDArray[np.void]
"""(num_envs,) structured: reward f8, terminated, truncated, was_reset bool, ended_by u1 (an index of ENDED_BY),
lap_finished i1 (-1: the game did not end the episode), repeats i4 (frames of the step), score f8 (sum of the game's own
rewards), frames i4 (of the episode), tiles f8 (fraction visited)."""
Outcome: TypeAlias = tuple[Frame, Reports, Frame | None, Reports | None]
"""Frames and reports, a row for each game of the step; with same-step autoreset, if an episode ended, also last frames
and reports of the episodes that ended, in arrays of the same shape; other rows of the frames are undefined, of the
reports zero. Else None."""

FRAMES_PER_SECOND = 50
"""Game frames per second of game time."""
VIDEO_SIZE = (400, 600)
"""Height and width of an "rgb_array" image by default, in pixels."""
RENDER_MODES = ("human", "rgb_array", "state_pixels")
LIST_MODES = ("rgb_array_list", "state_pixels_list")
"""Render modes in which a vector environment collects an image of each game at every reset and step."""
AVAILABLE_MODES = [mode for mode in RENDER_MODES if mode != "human" or can_open()]
"""Render modes that work here, for `metadata`: gymnasium's environment checker tries each."""
ENDED_BY = np.array([None, "stall", "lap_end"], object)
"""Names of the rules that can end an episode, by the number in a report; None: the game."""

MAX_ENVS = 2**16
MAX_THREADS = 1024
ENVS_PER_THREAD = 2
"""Environments per thread by default. A step of one takes about 25 us, as long as waking a thread takes."""


def render_fps(options: GameOptions) -> float:
    """Images per second at the speed of the game, if one is rendered at each step."""
    rate = FRAMES_PER_SECOND / options.action_repeat
    return int(rate) if rate.is_integer() else rate


class NativeGames:
    """The C++ games of one environment.

    Args:
        options: options of every game.
        random: one generator per game, whose state becomes the game's; the generators themselves are not used.
        autoreset: "next_step", "same_step", "disabled" or "continue": a game that has ended is stepped on.
        rules: reward shaping; see `rules_of`.
        num_threads: threads; None: one per ENVS_PER_THREAD games, at most the available processors.
        render_mode: one of `render_modes` or None.
        render_size: height and width of "rgb_array" images, from (4, 4) to (800, 1000).
        verbose: print a line for each new track.
        owner: name of the environment class in errors.
        render_modes: the render modes that the environment has.
        is_single: whether `step` takes the action of one game instead of one per game.

    Raises ValueError or TypeError, naming argument and value, if one is out of range, and
    gymnasium.error.DependencyNotInstalled if render_mode is "human" and pygame is not installed.
    """

    def __init__(
        self,
        options: GameOptions,
        random: Sequence[np.random.Generator],
        *,
        autoreset: str,
        rules: RulesLike,
        num_threads: int | None,
        render_mode: str | None,
        render_size: tuple[int, int],
        verbose: bool,
        owner: str,
        render_modes: Sequence[str] = RENDER_MODES,
        is_single: bool = False,
    ) -> None:
        known = f"None or one of {', '.join(map(repr, render_modes))}"
        require("render_mode", render_mode, render_mode in (None, *render_modes), known)
        rules = rules_of(rules)
        if num_threads is not None:
            num_threads = require_integer("num_threads", num_threads, 1, MAX_THREADS)
        self.num_envs = len(random)
        self.options = options
        self.rules = rules
        self.render_size = require_size("render_size", render_size, LEAST_SCALED, SURFACE_SIZE)
        self._autoreset = autoreset
        self._num_threads = num_threads
        self.render_mode = render_mode
        self._render_mode = None if render_mode is None else render_mode.removesuffix("_list")
        self._lists = RenderLists(len(random)) if render_mode in LIST_MODES else None
        self._frame_rate = render_fps(options)
        self._window = Window(SURFACE_SIZE) if render_mode == "human" else None
        self.verbose = verbose
        self._owner = owner
        self._is_single = is_single
        self._world: _core.racing.World | None = self._new_world(random)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the C++ games, and their states, from which a copy continues bit for bit.

        Raises ClosedEnvironmentError after `close`.
        """
        world = self.world
        return {**vars(self), "_world": [world.save(env) for env in range(self.num_envs)]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        world = self._new_world([np.random.default_rng(0)] * self.num_envs)
        world.load(range(self.num_envs), state["_world"])
        self._world = world

    def _new_world(self, random: Sequence[np.random.Generator]) -> _core.racing.World:
        num_threads = self._num_threads
        if num_threads is None:
            num_threads = max(1, min(_core.available_processors(), len(random) // ENVS_PER_THREAD))
        return _core.racing.World(
            self.options,
            states=np.stack([generator_state(generator) for generator in random]),
            autoreset=self._autoreset,
            rules=self.rules,
            keeps_skid_marks=self.keeps_skid_marks,
            glyphs=load_glyphs().arrays,
            num_threads=num_threads,
            is_single=self._is_single,
            track_state=self._track_state(),
        )

    def _track_state(self) -> State | None:
        seed = self.options.track_seed
        return None if seed is None else generator_state(np_random(seed)[0])

    @property
    def world(self) -> _core.racing.World:
        """The C++ games. Raises ClosedEnvironmentError after `close`."""
        if self._world is None:
            raise ClosedEnvironmentError(f"{self._owner} is closed")
        return self._world

    @property
    def keeps_skid_marks(self) -> bool:
        """Whether skid marks are recorded."""
        return self._render_mode in ("human", "rgb_array")

    @property
    def is_open(self) -> bool:
        """Whether no window was closed."""
        return self._window is None or not self._window.was_closed

    def set_rules(self, rules: RulesLike) -> None:
        """Replaces the shaping rules from the next step on. Raises as `rules_of`, and then changes nothing."""
        rules = rules_of(rules)
        self.world.set_rules(rules)
        self.rules = rules

    def reset(
        self,
        resets: npt.NDArray[np.bool_],
        recolours: npt.NDArray[np.bool_],
        reseeds: npt.NDArray[np.bool_],
        states: npt.NDArray[np.uint64],
        env_ids: Ids | None = None,
        out: Frame | None = None,
    ) -> tuple[Frame, Reports]:
        """Starts episodes in the games selected by `resets`; rows of the other games are undefined."""
        frames, reports = self.world.reset(resets, recolours, reseeds, states, env_ids, out)
        self._after(reports, np.flatnonzero(resets), env_ids)
        return frames, reports

    def step(self, actions: Any, env_ids: Ids | None = None, out: Frame | None = None) -> Outcome:
        """Steps every game, or those in `env_ids`.

        Raises ResetNeeded if one needs a reset, and InvalidActionError if an action is invalid.
        """
        world = self._world if self._world is not None else self.world
        try:
            outcome = world.step(actions, env_ids, out)
        except _core.racing.ResetNeededError as error:
            raise ResetNeeded(str(error)) from None
        except _core.racing.InvalidActionError as error:
            raise InvalidActionError(str(error)) from None
        if self.verbose or self._window is not None or self._lists is not None:
            self._after(outcome[1], np.arange(len(outcome[1])), env_ids)
        return outcome

    def observe(self, env_ids: Any = None, out: Frame | None = None) -> Frame:
        """Returns the current observations. Raises ResetNeeded if a game was never reset."""
        with _reset_errors():
            return self.world.observe(env_ids, out)

    def image(self, env: int, mode: str | None = None) -> Frame | None:
        """Returns the image of a game, (*render_size, 3) or with "state_pixels" (96, 96, 3) uint8.

        None with a window. Raises ValueError if `mode`, by default the render mode, needs a window or skid marks that
        do not exist.
        """
        mode = mode or self._render_mode
        possible = (
            *(["human"] if self._window is not None else []),
            *(["rgb_array"] if self.keeps_skid_marks else []),
            "state_pixels",
        )
        known = f"{' or '.join(map(repr, possible))} with render_mode={self.render_mode!r}"
        require("mode", mode, mode in possible, known)
        if mode == "human":
            self.show()
            return None
        return self._frame_of(env, mode)

    def render(self, env: int) -> Frame | list[Frame] | None:
        """Returns what an environment's `render` returns of a game: its image, or the images collected of it."""
        return self.image(env) if self._lists is None else self._lists.pop(env)

    def show(self) -> None:
        """Updates the window, if any, with the first game, and waits for real time."""
        if self._window is not None:
            self._window.show(self._exact_frame(0, SURFACE_SIZE, with_skid_marks=True), self._frame_rate)

    def index(self, env: object) -> int:
        """Returns the index of a game. Raises TypeError if it is no integer and IndexError if there is no such game."""
        condition = f"0 to {self.num_envs - 1}"
        try:
            index = operator.index(env)  # type: ignore[arg-type]
        except TypeError:
            raise TypeError(f"env is {shown(env)}; expected an integer from {condition}") from None
        if not 0 <= index < self.num_envs:
            raise IndexError(f"env is {shown(index)}; expected {condition}")
        return index

    def track_snapshot(self, env: int) -> TrackSnapshot:
        """Raises as `index`."""
        return TrackSnapshot(**self.world.track(self.index(env)))

    def car_snapshot(self, env: int) -> CarSnapshot:
        """Raises as `index`."""
        return CarSnapshot.of(self.world.car(self.index(env)))

    def cars(self) -> Cars:
        """Returns the states of all cars."""
        return self.world.cars()

    def skid_marks(self, env: int) -> list[SkidMark]:
        """Raises as `index`."""
        return [SkidMark(*mark) for mark in self.world.skid_marks(self.index(env))]

    def close_window(self) -> None:
        """Closes the window, if any, until it is shown again."""
        if self._window is not None:
            self._window.close()

    def close(self) -> None:
        """Frees threads, memory and window; closing again has no effect."""
        self._world = None
        self.close_window()

    def _frame_of(self, env: int, mode: str | None = None) -> Frame:
        if (mode or self._render_mode) == "state_pixels":
            return self._exact_frame(env, (FULL_SIDE, FULL_SIDE), with_skid_marks=False)
        return self._exact_frame(env, self.render_size, with_skid_marks=True)

    def _exact_frame(self, env: int, size: tuple[int, int], *, with_skid_marks: bool) -> Frame:
        with _reset_errors():
            height, width = size
            return self.world.exact_frame(env, width, height, with_skid_marks)

    def _after(self, reports: Reports, rows: npt.NDArray[np.intp], env_ids: Ids | None) -> None:
        """Images and messages of the games in these rows of the reports."""
        envs = rows if env_ids is None else env_ids[rows]
        was_reset = reports["was_reset"][rows]
        if self._lists is not None:
            self._lists.collect(self._frame_of, envs, was_reset)
        if self.verbose:
            for env in envs[was_reset]:
                self._print_track(int(env))
        self.show()

    def _print_track(self, env: int) -> None:
        """Prints the messages of the stock game, without the place of the lap in the generator's trace."""
        place = f"environment {env}: " if self.num_envs > 1 else ""
        for _ in range(self.world.failed_tracks(env)):
            print(f"{place}retry to generate track (normal if there are not manyinstances of this message)")
        print(f"{place}Track generation: {len(self.track_snapshot(env).tiles) + 1}-tiles track")


@contextmanager
def _reset_errors() -> Iterator[None]:
    """Raises the core's ResetNeededError as gymnasium's ResetNeeded."""
    try:
        yield
    except _core.racing.ResetNeededError as error:
        raise ResetNeeded(str(error)) from None
