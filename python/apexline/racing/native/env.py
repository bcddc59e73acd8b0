"""CarRacingEnv: one native game as a gymnasium environment."""

from __future__ import annotations

from typing import Any, Unpack, cast

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.utils import EzPickle

from apexline.racing.native.arguments import randomizes
from apexline.racing.native.games import (
    AVAILABLE_MODES,
    ENDED_BY,
    FRAMES_PER_SECOND,
    VIDEO_SIZE,
    NativeGames,
    render_fps,
)
from apexline.racing.native.rng import generator_at, generator_state, set_generator_state
from apexline.racing.native.snapshots import CarSnapshot, SkidMark, TrackSnapshot
from apexline.racing.native.state import EpisodeSoFar, pack_state, unpack_state
from apexline.racing.native.stock_view import StockAttributes, StockGame
from apexline.racing.options import GameKwargs, GameOptions, RulesLike, ShapingRules, changed_fields
from apexline.racing.types import Frame, Info, Step
from apexline.racing.validation import require_bool

ALL = np.ones(1, bool)


class CarRacingEnv(StockAttributes, gym.Env[Frame, Any], EzPickle):
    """CarRacing-v3 in C++, without Box2D or pygame.

    Tracks, physics, rewards, termination and `render` images are those of the stock game, bit for bit. Observations
    differ at edges; see CarRacingVectorEnv, which also describes two quirks of the stock game.

    `gymnasium.make("apexline.racing:apexline/CarRacing-v3")` makes it; after `import apexline.racing`, so does
    "apexline/CarRacing-v3".

    As the stock game, it has no limit of its own: `make` truncates episodes after 1000 steps, or after
    `max_episode_steps` steps (-1: never). A step is `action_repeat` frames: with action_repeat=4, 1000 steps are 4000
    frames. `max_episode_frames` is a further limit, in frames; max_episode_frames=1000 gives episodes as long as the
    stock game's for any `action_repeat`.

    Observations are `options.observation_shape` uint8, (96, 96, 3) by default; with `frame_stack` they hold the frames
    of the last steps. Actions are (3,) numbers: steering in [-1, 1], +1 is right; gas and brake in [0, 1]. With `pedal`
    they are (2,); with continuous=False one integer; see CarRacingVectorEnv.

    Infos of reset and step hold `score`: float, sum of the game's own rewards in the episode; `frames`: int, game
    frames (1/50 s) played in the episode; `tiles`: float, fraction of tiles visited. Infos of a step also hold
    `repeats`: int, frames played by the step; `lap_finished`: bool, if the game ended the episode; `ended_by`: "stall"
    or "lap_end", if a rule ended it.

    The stock game's attributes can be read: `car`, `track`, `road_poly`, `tile_visited_count`, `reward`, `t`, ... Their
    names, types and values are those of the stock game; docs/stock_game.md lists them. They cannot be written.

    As the stock game, it can be stepped on after an episode has ended, and used again after `close`. Unlike there,
    actions must be finite. Pickling keeps the arguments only; `get_state` saves an episode.

    Args:
        render_mode: None, "human", "rgb_array" or "state_pixels"; see CarRacingVectorEnv.
        render_size: height and width of "rgb_array" images, up to (800, 1000).
        verbose: print a line for each new track.
        rules: reward shaping: a ShapingRules or a dict of its fields; None: none.
        check_ended: whether a step after an episode's end raises gymnasium.error.ResetNeeded. By default the game
            continues, as the stock game does.
        **options: fields of GameOptions.

    Raises ValueError or TypeError, naming argument and value, if one is out of range, and
    gymnasium.error.DependencyNotInstalled if render_mode is "human" and pygame is not installed.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as gymnasium declares it
        "render_modes": list(AVAILABLE_MODES),
        "render_fps": FRAMES_PER_SECOND,
    }

    def __init__(
        self,
        render_mode: str | None = None,
        *,
        render_size: tuple[int, int] = VIDEO_SIZE,
        verbose: bool = False,
        rules: RulesLike = None,
        check_ended: bool = False,
        **options: Unpack[GameKwargs],
    ) -> None:
        EzPickle.__init__(
            self,
            render_mode,
            render_size=render_size,
            verbose=verbose,
            rules=rules,
            check_ended=check_ended,
            **options,
        )
        require_bool("check_ended", check_ended)
        game = GameOptions(**options)
        self.metadata = {**self.metadata, "render_fps": render_fps(game)}
        self.observation_space = cast(gym.Space[Frame], game.observation_space)
        self.action_space = game.action_space
        self._games = NativeGames(
            game,
            [self.np_random],
            autoreset="disabled" if check_ended else "continue",
            rules=rules,
            num_threads=1,
            render_mode=render_mode,
            render_size=render_size,
            verbose=verbose,
            owner=type(self).__name__,
            is_single=True,
        )
        self._stock = StockGame(self._games, 0)
        self._check_ended = check_ended
        self._has_warned = False
        # With domain_randomize the game has drawn its first colours.
        set_generator_state(self.np_random, self._games.world.random_state(0))

    @property
    def options(self) -> GameOptions:
        """The game's options."""
        return self._games.options

    @property
    def render_size(self) -> tuple[int, int]:
        """Height and width of "rgb_array" images, in pixels."""
        return self._games.render_size

    @property
    def check_ended(self) -> bool:
        """Whether a step after an episode's end raises ResetNeeded."""
        return self._check_ended

    @property
    def rules(self) -> ShapingRules | None:
        """The shaping rules; None: none."""
        return self._games.rules

    def __repr__(self) -> str:
        arguments = [repr(self.render_mode), *changed_fields(self.options)]
        if self.check_ended:
            arguments.append("check_ended=True")
        if self.rules is not None:
            arguments.append(f"rules={self.rules!r}")
        return f"{type(self).__name__}({', '.join(arguments)})"

    def set_rules(self, rules: RulesLike) -> None:
        """Replaces the shaping rules from the next step on; the running episode continues.

        Steps without a new tile keep counting, and a tile that was checked by the rule of missed tiles is not checked
        again. Raises ValueError or TypeError if `rules` is no ShapingRules, dict of its fields or None.
        """
        self._games.set_rules(rules)
        self._ezpickle_kwargs["rules"] = rules

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frame, Info]:
        """Starts an episode on a new track.

        Args:
            seed: starts a new random stream; None: the stream of `np_random` continues.
            options: "randomize": False keeps the colours of a `domain_randomize` game. Anything but a dict is ignored,
                as by the stock game.

        Returns:
            Observation and info.
        """
        world = self._games.world
        super().reset(seed=seed)
        recolours = np.full(1, randomizes(options))
        frames, reports = self._games.reset(ALL, recolours, ALL, generator_state(self.np_random)[None])
        set_generator_state(self.np_random, world.random_state(0))
        return frames[0], _running_info(reports[0])

    def step(self, action: npt.ArrayLike | None) -> Step:
        """Takes a step: observation, reward, terminated, truncated, info.

        Args:
            action: an array or a sequence of numbers of any kind, computed as float64. A discrete action is a Python or
                NumPy integer. None: frames without an action, as in the stock game: the controls stay as they are, the
                reward is 0, and tiles and ends count at the next step with an action.

        Raises, and changes nothing: InvalidActionError, naming place and value, if the action has the wrong shape or
        dtype, is not finite, or is no discrete action; gymnasium.error.ResetNeeded before the first reset and, with
        `check_ended`, after an episode's end.
        """
        frames, reports, _, _ = self._games.step(action)
        report = reports[0]
        info = _running_info(report)
        info["repeats"] = int(report["repeats"])
        terminated, truncated = bool(report["terminated"]), bool(report["truncated"])
        if terminated or truncated:
            if report["lap_finished"] >= 0:
                info["lap_finished"] = bool(report["lap_finished"] == 1)
            if report["ended_by"] > 0:
                info["ended_by"] = ENDED_BY[report["ended_by"]]
        return frames[0], float(report["reward"]), terminated, truncated, info

    def observe(self) -> Frame:
        """Returns the current observation, e.g. after `set_state`.

        Raises gymnasium.error.ResetNeeded before the first reset.
        """
        frame: Frame = self._games.observe()[0]
        return frame

    def render(self) -> Frame | None:
        """Returns the image for `render_mode`, (*render_size, 3) or (96, 96, 3) uint8; None with a window."""
        if self.render_mode is None:
            gym.logger.warn(f"{self} has no render_mode; render returns None")
            return None
        return self._games.image(0)

    def get_state(self) -> bytes:
        """Returns the whole state of the game and its episode; see CarRacingVectorEnv.get_state."""
        return pack_state(self._games.world, 0, EpisodeSoFar())

    def set_state(self, state: bytes) -> None:
        """Restores a state, from which the game continues bit for bit.

        For planning (frames that are tried and then taken back), make the environment with
        `gymnasium.make("apexline/CarRacing-v3", max_episode_steps=-1, max_episode_frames=1000)`: the frames of the
        episode, which `max_episode_frames` limits, are part of the state, but the steps that gymnasium's TimeLimit
        counts are not. An environment that `make` may have given a TimeLimit warns of this once. gymnasium's
        OrderEnforcing demands a reset of a made environment before its first step, also after `set_state`.

        Raises ValueError or TypeError, and changes nothing, if the bytes are not a state.
        """
        unpack_state(self._games.world, state)
        self.np_random = generator_at(self._games.world.random_state(0))
        self._warn_of_time_limit()

    def _warn_of_time_limit(self) -> None:
        registered = None if self.spec is None else gym.registry.get(self.spec.id)
        has_limit = registered is not None and registered.max_episode_steps is not None
        if not has_limit or self.options.max_episode_frames is not None or self._has_warned:
            return
        self._has_warned = True
        gym.logger.warn(
            "set_state does not take back the steps that a TimeLimit around this environment has counted; for "
            "planning, make it with max_episode_steps=-1 and, for a limit, max_episode_frames=1000"
        )

    def track_snapshot(self) -> TrackSnapshot:
        """Returns a copy of the road."""
        return self._games.track_snapshot(0)

    def car_snapshot(self) -> CarSnapshot:
        """Returns a copy of the car's state."""
        return self._games.car_snapshot(0)

    def skid_marks(self) -> list[SkidMark]:
        """Returns the skid marks, which exist with the render modes "rgb_array" and "human" only."""
        return self._games.skid_marks(0)

    def close(self) -> None:
        """Closes the window, if any. The environment remains usable, as the stock game does."""
        games = getattr(self, "_games", None)
        if games is not None:
            games.close_window()


def _running_info(report: np.void) -> Info:
    return {"score": float(report["score"]), "frames": int(report["frames"]), "tiles": float(report["tiles"])}
