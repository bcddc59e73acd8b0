"""One game of CarRacing: gymnasium's environment over the native game."""

from __future__ import annotations

from typing import Any, cast

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.utils import EzPickle

from apexline.racing.native.games import (
    ENDED_BY,
    EPISODE_FRAMES,
    FRAMES_PER_SECOND,
    RENDER_MODES,
    EpisodeSoFar,
    GameOptions,
    NativeGames,
    native_arguments,
    pack_state,
    set_words,
    unpack_states,
    words,
)
from apexline.racing.native.snapshots import CarSnapshot, SkidMark, TrackSnapshot
from apexline.racing.options import EnvOptions, ShapingRules
from apexline.racing.types import Frame, Info, Step

ALL = np.ones(1, bool)


class CarRacingEnv(gym.Env[Frame, Any], EzPickle):
    """CarRacing-v3 without Box2D or pygame.

    Tracks, physics, rewards, ends and what `render` gives are those of the stock game, bit for bit; observations differ
    at edges, as CarRacingVectorEnv says.

    `gymnasium.make("apexline.racing:apexline/CarRacing-v3")` makes it; with `import apexline.racing` before,
    "apexline/CarRacing-v3" will do. `make` truncates episodes after 1000 steps, and the game does so after
    `max_episode_frames`; for longer ones set that and pass `max_episode_steps=-1` to `make`.

    Observations are (96, 96, 3) uint8, actions (3,) float32 or float64: steering in [-1, 1], +1 is right, gas and brake
    in [0, 1]. The arguments mean what they mean for CarRacingVectorEnv, whose description also tells two ways of the
    stock game that surprise.

    The info of every reset and step holds `score`: float, sum of the game's own rewards of the episode; `frames`: int,
    game frames (1/50 s) played in it; `tiles`: float, fraction of its tiles visited; that of a step also `repeats`:
    int, frames played by it; `lap_finished`: bool, where the game ended the episode; `ended_by`: "stall" or "lap_end",
    where a rule did.

    Unlike the stock game this one is not stepped beyond an episode's end, and actions must be finite. A pickled one is
    made anew from its arguments; `get_state` keeps an episode.

    Raises ValueError or TypeError, naming argument and value, where one is out of range, and
    gymnasium.error.DependencyNotInstalled where render_mode is "human" and pygame is not installed.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as gymnasium declares it
        "render_modes": list(RENDER_MODES),
        "render_fps": FRAMES_PER_SECOND,
    }

    def __init__(
        self,
        render_mode: str | None = None,
        verbose: bool = False,
        lap_complete_percent: float = 0.95,
        domain_randomize: bool = False,
        continuous: bool = True,
        *,
        max_episode_frames: int = EPISODE_FRAMES,
        action_repeat: int = 1,
        gray: bool = False,
        road_contrast: bool = False,
        crop_hud: bool = False,
        frame_shape: tuple[int, int] | None = None,
        channels_first: bool = False,
        pedal: bool = False,
        skip_zoom: int = 0,
        rules: ShapingRules | None = None,
        ends_at_start_line: bool = False,
    ) -> None:
        game: dict[str, Any] = {
            "lap_complete_percent": lap_complete_percent,
            "domain_randomize": domain_randomize,
            "continuous": continuous,
            "max_episode_frames": max_episode_frames,
            "action_repeat": action_repeat,
            "gray": gray,
            "road_contrast": road_contrast,
            "crop_hud": crop_hud,
            "frame_shape": frame_shape,
            "channels_first": channels_first,
            "pedal": pedal,
            "skip_zoom": skip_zoom,
            "rules": rules,
            "ends_at_start_line": ends_at_start_line,
        }
        EzPickle.__init__(self, render_mode, verbose, **game)
        options = GameOptions(**game)
        self.continuous = continuous
        self.domain_randomize = domain_randomize
        self.lap_complete_percent = lap_complete_percent
        self.verbose = verbose
        self.render_mode = render_mode
        self.observation_space = cast(gym.Space[Frame], options.observation_space)
        self.action_space = options.action_space
        self._games = NativeGames(
            options,
            [self.np_random],
            autoreset="disabled",
            num_threads=1,
            render_mode=render_mode,
            verbose=verbose,
            owner=type(self).__name__,
        )
        # Colours have been drawn from it already, where they are randomised.
        set_words(self.np_random, self._games.core.random_state(0))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frame, Info]:
        """Begins an episode, on a new track.

        Args:
            seed: begins a new stream of random numbers; without it, the stream of `np_random` goes on.
            options: "randomize": False keeps the colours of a `domain_randomize` game; without it, says nothing.

        Returns:
            Observation and info.
        """
        core = self._games.core
        super().reset(seed=seed)
        recolours = np.full(1, bool((options or {}).get("randomize", True)))
        frames, reports = self._games.reset(ALL, recolours, ALL, words(self.np_random)[None])
        set_words(self.np_random, core.random_state(0))
        return frames[0], _running_info(reports[0])

    def step(self, action: npt.NDArray[Any] | int) -> Step:
        """Plays an action: observation, reward, terminated, truncated, info.

        Raises, and changes nothing: ValueError or TypeError, naming place and value, where an action has the wrong
        shape or dtype, is not finite, or is no discrete action; gymnasium.error.ResetNeeded before the first reset and
        after an episode's end; gymnasium.error.ClosedEnvironmentError after `close`.
        """
        array = np.asarray(action)
        if array.shape != self.action_space.shape:
            raise ValueError(f"action has shape {array.shape}; expected {self.action_space.shape}")
        frames, reports, _, _ = self._games.step(array[None])
        report = reports[0]
        info = _running_info(report)
        info["repeats"] = int(report["repeats"])
        terminated, truncated = bool(report["terminated"]), bool(report["truncated"])
        if terminated or truncated:
            if report["lap_finished"] >= 0:
                info["lap_finished"] = report["lap_finished"] == 1
            if report["ended_by"] > 0:
                info["ended_by"] = ENDED_BY[report["ended_by"]]
        return frames[0], float(report["reward"]), terminated, truncated, info

    def observe(self) -> Frame:
        """The observation of the game as it stands, fresh: what follows `set_state`.

        Raises gymnasium.error.ResetNeeded before the first reset.
        """
        frame: Frame = self._games.observe()[0]
        return frame

    def render(self) -> Frame | None:
        """The image (400, 600, 3) or (96, 96, 3) uint8 that `render_mode` asks for, or None for a window."""
        if self.render_mode is None:
            gym.logger.warn(f"{self} has no render_mode; render gives nothing")
            return None
        return self._games.image(0)

    def get_state(self) -> bytes:
        """The whole state of the game amid its episode, as CarRacingVectorEnv.get_state has it."""
        return pack_state(self._games.core, 0, EpisodeSoFar())

    def set_state(self, state: bytes) -> None:
        """Puts the game into a state, from where it goes on bit for bit; `observe` shows it.

        Raises ValueError or TypeError, and changes nothing, where the bytes are not a state.
        """
        unpack_states(self._games.core, {0: state})
        generator = np.random.Generator(np.random.PCG64(0))
        set_words(generator, self._games.core.random_state(0))
        self.np_random = generator

    def track(self) -> TrackSnapshot:
        """The road."""
        return self._games.track(0)

    def car(self) -> CarSnapshot:
        """The car."""
        return self._games.car(0)

    def skid_marks(self) -> list[SkidMark]:
        """The marks on the road, kept where `render_mode` is "rgb_array" or "human"."""
        return self._games.skid_marks(0)

    def close(self) -> None:
        """Gives memory and window back; closing again does nothing."""
        games = getattr(self, "_games", None)
        if games is not None:
            games.close()


def _running_info(report: np.void) -> Info:
    return {"score": float(report["score"]), "frames": int(report["frames"]), "tiles": float(report["tiles"])}


def make_native_env(options: EnvOptions, *, training: bool, render_mode: str | None = None) -> CarRacingEnv:
    """What `make_env` makes of the stock game, made of the native one: the same rewards, ends and infos.

    Frames are options.frame_shape uint8; they differ from the stock game's at edges, as CarRacingVectorEnv says.
    """
    return CarRacingEnv(render_mode, **native_arguments(options, training=training))
