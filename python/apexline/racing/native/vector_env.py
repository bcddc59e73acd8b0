"""Many games of CarRacing in one call: gymnasium's vector environment over the native game."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, TypeAlias, overload

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from apexline.racing.native.games import (
    EPISODE_FRAMES,
    FRAMES_PER_SECOND,
    MOST_ENVS,
    RENDER_MODES,
    EpisodeSoFar,
    GameOptions,
    NativeGames,
    native_arguments,
    pack_state,
    require_integer,
    set_words,
    unpack_states,
    words,
)
from apexline.racing.native.infos import EpisodeStatistics, Mask, add_endings, add_finals, running_infos
from apexline.racing.native.snapshots import CarSnapshot, SkidMark, TrackSnapshot
from apexline.racing.options import EnvOptions, ShapingRules
from apexline.racing.types import Frame, Info

Seeds: TypeAlias = int | Sequence[int | None] | None
VectorStep: TypeAlias = tuple[Frame, npt.NDArray[np.float64], Mask, Mask, Info]

AUTORESET = {
    AutoresetMode.NEXT_STEP: "next_step",
    AutoresetMode.SAME_STEP: "same_step",
    AutoresetMode.DISABLED: "disabled",
}
"""As C++ calls them."""


class CarRacingVectorEnv(VectorEnv[Frame, npt.NDArray[Any], npt.NDArray[Any]]):
    """`num_envs` games of CarRacing-v3 stepped together, without Box2D or pygame, on threads.

    Tracks, physics, rewards and ends are those of the stock game, bit for bit, and so are the images that `render`
    gives: by default this is what SyncVectorEnv over `gymnasium.make("CarRacing-v3")` is, only faster and with more in
    its infos. (Where pygame is not installed, the score is written in other digits.) Observations are drawn more
    directly and differ from the stock game's at edges, by 0.04 to 0.09 of 255 levels in the mean (docs/racing.md).
    `render` with "state_pixels" draws the stock ones.
    Results depend on seeds and actions alone, not on threads, instruction set or the other games. One caller at a time:
    a second one gets a RuntimeError. Other Python threads run meanwhile, as `step` and `reset` work without the
    interpreter's lock.

    Observations are (num_envs, 96, 96, 3) uint8, or (num_envs, n, n) with `gray`, (num_envs, 3, n, n) with
    `channels_first`. Actions are (num_envs, 3) float32 or float64: steering in [-1, 1], +1 is right, gas and brake in
    [0, 1]; (num_envs, 2) with `pedal`; (num_envs,) integers where not `continuous`: 0 nothing, 1 right, 2 left, 3 gas,
    4 brake. Rewards are (num_envs,) float64, terminated and truncated (num_envs,) bool. All arrays are fresh.

    Infos are arrays (num_envs,) with a mask `_key` each, as gymnasium's vector environments have them:
        score: float64, sum of the game's own rewards of the episode; frames: int64, game frames (1/50 s) played in it;
        tiles: float64, fraction of its tiles visited; repeats: int64, frames played by this step;
        lap_finished: bool, where the game ended the episode; ended_by: "stall" or "lap_end", where a rule
        did; episode: with `episode_statistics`, of the episodes that end.
    In same-step autoreset they belong to the new episode; those of the old one are in `final_info`, and its last
    observation in `final_obs` (an object array).

    Two ways of the stock game that surprise: its reset plays a frame and so visits tiles 0 and 1, which the first step
    pays (2000 / tiles - 0.1); and for the same reason the lap rule (`lap_complete_percent` visited, then the start
    line crossed) never fires, so that only a lap with every tile visited finishes. `ends_at_start_line` repairs that.

    Args:
        num_envs: 1 to 65536.
        render_mode: None; "rgb_array": `render` gives (400, 600, 3) images; "state_pixels": (96, 96, 3); "human": a
            window of the first game, which holds it to real time and needs pygame.
        verbose: tells each new track on the standard output.
        lap_complete_percent: the fraction of tiles that `ends_at_start_line` asks for.
        domain_randomize: draws the colours anew for each episode.
        continuous: False: five discrete actions.
        autoreset_mode: when a game that has ended begins anew.
        num_threads: None: a thread for every 2 games, up to the processors of this process.
        max_episode_frames: game frames after which an episode is truncated; 0: never.
        max_episode_steps: the same in steps, as `gymnasium.make_vec` passes it; None or -1: never.
        action_repeat: game frames for which an action is held, or fewer where the episode ends; rewards are summed.
        gray: one channel instead of three, (299 R + 587 G + 114 B + 500) // 1000.
        road_contrast: with `gray`, spreads the road's shades by a tone curve (see `RoadContrast`), so that tiles still
            to be visited stand out from visited ones.
        crop_hud: cuts off the indicators: rows 0:84 and columns 6:90 remain.
        frame_shape: (n, n) after an area mean; None: what is visible, (96, 96) or with `crop_hud` (84, 84).
        channels_first: colours are the first axis of a frame; says nothing where `gray`.
        pedal: two continuous actions (steer, pedal), gas and brake on one axis in [-1, 1].
        skip_zoom: game frames without action after a reset, before the first observation; they count in `frames`,
            `score` and max_episode_frames, but no step pays for them. The stock game zooms in over 49 frames.
        rules: shape training episodes; a step is a step.
        ends_at_start_line: a lap ends at the start line, as the stock game means it to.
        episode_statistics: adds `episode` to the infos, as gymnasium's RecordEpisodeStatistics does, which refuses
            environments that already have it.

    Raises ValueError or TypeError, naming argument and value, where one is out of range, and
    gymnasium.error.DependencyNotInstalled where render_mode is "human" and pygame is not installed.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as gymnasium declares it
        "render_modes": list(RENDER_MODES),
        "render_fps": FRAMES_PER_SECOND,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        *,
        render_mode: str | None = None,
        verbose: bool = False,
        lap_complete_percent: float = 0.95,
        domain_randomize: bool = False,
        continuous: bool = True,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        num_threads: int | None = None,
        max_episode_frames: int = EPISODE_FRAMES,
        max_episode_steps: int | None = None,
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
        episode_statistics: bool = False,
    ) -> None:
        options = GameOptions(
            lap_complete_percent=lap_complete_percent,
            domain_randomize=domain_randomize,
            continuous=continuous,
            max_episode_frames=max_episode_frames,
            action_repeat=action_repeat,
            gray=gray,
            road_contrast=road_contrast,
            crop_hud=crop_hud,
            frame_shape=frame_shape,
            channels_first=channels_first,
            pedal=pedal,
            skip_zoom=skip_zoom,
            rules=rules,
            ends_at_start_line=ends_at_start_line,
        ).limited(max_episode_steps)
        self.num_envs = require_integer("num_envs", num_envs, 1, MOST_ENVS)
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.render_mode = render_mode
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}
        self.single_observation_space = options.observation_space
        self.single_action_space = options.action_space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

        streams = [seeding.np_random() for _ in range(self.num_envs)]
        self._seeds = [seed for _, seed in streams]
        self._was_reset = np.zeros(self.num_envs, bool)
        self._games = NativeGames(
            options,
            [generator for generator, _ in streams],
            autoreset=AUTORESET[self.autoreset_mode],
            num_threads=num_threads,
            render_mode=render_mode,
            verbose=verbose,
            owner=type(self).__name__,
        )
        self._resets_in_step = self.autoreset_mode is AutoresetMode.SAME_STEP
        self._statistics = (
            EpisodeStatistics(self.num_envs, resets_in_step=self._resets_in_step)
            if episode_statistics
            else None
        )

    def reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None) -> tuple[Frame, Info]:
        """Begins an episode in every game.

        Args:
            seed: of game 0; game i gets seed + i. Or a seed, or None, for each. A game without a seed goes on with
                its stream of random numbers, which begins at random.
            options: "reset_mask", (num_envs,) bool: only these games begin anew; the others' observations are those
                they have. "randomize": False keeps the colours of a `domain_randomize` game; without it, says
                nothing, as in the stock game.

        Returns:
            Observations, and infos `score`, `frames` and `tiles` of the games that were reset.

        Raises ValueError or TypeError, naming argument and value, and changes nothing, where one is out of range;
        gymnasium.error.ResetNeeded where the mask leaves out a game that was never reset.
        """
        core = self._games.core
        seeds = self._seeds_of(seed)
        mask = self._mask_of(options)
        everywhere = bool(mask.all())
        if not everywhere and not (mask | self._was_reset).all():
            missing = int(np.flatnonzero(~(mask | self._was_reset))[0])
            raise ResetNeeded(
                f"options['reset_mask'] leaves out environment {missing}, which was never reset"
            )
        recolours = np.full(self.num_envs, bool((options or {}).get("randomize", True)))
        reseeds = np.zeros(self.num_envs, bool)
        states = np.zeros((self.num_envs, 6), np.uint64)
        for env, new_seed in enumerate(seeds):
            if new_seed is not None and mask[env]:
                generator, self._seeds[env] = seeding.np_random(new_seed)
                reseeds[env], states[env] = True, words(generator)
        frames, reports = self._games.reset(mask, recolours, reseeds, states)
        self._was_reset |= mask
        if self._statistics is not None:
            self._statistics.begin(mask)
        return frames if everywhere else core.observe(), running_infos(reports, mask)

    def step(self, actions: npt.NDArray[Any]) -> VectorStep:
        """Plays an action in every game; one that ended with the last step begins anew instead (next-step autoreset).

        Raises, and changes nothing: ValueError or TypeError, naming place and value, where an action has the wrong
        shape or dtype, is not finite, or is no discrete action; gymnasium.error.ResetNeeded where a game was never
        reset, or has ended and autoreset is disabled; gymnasium.error.ClosedEnvironmentError after `close`.
        """
        frames, reports, last_frames, last_reports = self._games.step(actions)
        rewards = reports["reward"].copy()
        terminated = reports["terminated"].copy()
        truncated = reports["truncated"].copy()
        infos = running_infos(reports, np.ones(self.num_envs, bool))
        ended = terminated | truncated
        if self._statistics is not None:
            self._statistics.count(rewards, reports["was_reset"], ended, infos)
        if last_frames is not None and last_reports is not None:
            add_finals(infos, last_frames, last_reports, ended)
        elif ended.any():
            add_endings(infos, reports, ended)
        return frames, rewards, terminated, truncated, infos

    def observe(self) -> Frame:
        """The observations of the games as they stand, fresh: what follows `set_state`.

        Raises gymnasium.error.ResetNeeded where a game was never reset.
        """
        return self._games.observe()

    def render(self) -> tuple[Frame, ...] | None:
        """The images of all games, (400, 600, 3) or (96, 96, 3) uint8 as `render_mode` asks, or None for a window."""
        if self.render_mode is None:
            gym.logger.warn(f"{self} has no render_mode; render gives nothing")
            return None
        images = [
            self._games.image(env) for env in range(1 if self.render_mode == "human" else self.num_envs)
        ]
        return tuple(image for image in images if image is not None) or None

    @overload
    def get_state(self) -> list[bytes]: ...
    @overload
    def get_state(self, env: int) -> bytes: ...
    def get_state(self, env: int | None = None) -> bytes | list[bytes]:
        """The whole state of every game, or of one, amid its episode: about 35 kB each, more with skid marks.

        Fits games with the same options, in the same version of apexline on the same kind of machine, whatever their
        number.
        """
        if env is not None:
            return pack_state(self._games.core, env, self._episode_of(env))
        return [pack_state(self._games.core, i, self._episode_of(i)) for i in range(self.num_envs)]

    @overload
    def set_state(self, states: Sequence[bytes]) -> None: ...
    @overload
    def set_state(self, states: bytes, env: int) -> None: ...
    def set_state(self, states: bytes | Sequence[bytes], env: int | None = None) -> None:
        """Puts every game, or one, into a state, from where it goes on bit for bit; `observe` shows it.

        Raises ValueError or TypeError, naming the game, and changes nothing, where bytes are not a state.
        """
        chosen = {env: states} if env is not None else dict(enumerate(states))
        if env is None and len(chosen) != self.num_envs:
            raise ValueError(f"states holds {len(chosen)} states; expected {self.num_envs}")
        episodes = unpack_states(self._games.core, chosen)  # type: ignore[arg-type]
        for i, episode in episodes.items():
            self._seeds[i] = -1
            self._was_reset[i] = len(self._games.track(i).tiles) > 0
            if self._statistics is not None:
                self._statistics.put(i, episode)

    def track(self, env: int) -> TrackSnapshot:
        """The road of a game. Raises IndexError where there is no such game."""
        return self._games.track(env)

    def car(self, env: int) -> CarSnapshot:
        """The car of a game. Raises IndexError where there is no such game."""
        return self._games.car(env)

    def skid_marks(self, env: int) -> list[SkidMark]:
        """The marks on the road of a game, kept where `render_mode` is "rgb_array" or "human".

        Raises IndexError where there is no such game.
        """
        return self._games.skid_marks(env)

    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """Copies of the generators from which the games draw tracks and colours."""
        generators = tuple(np.random.Generator(np.random.PCG64(0)) for _ in range(self.num_envs))
        for env, generator in enumerate(generators):
            set_words(generator, self._games.core.random_state(env))
        return generators

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]
        """The seed of each game's stream; -1 where `set_state` has put it somewhere."""
        return tuple(self._seeds)

    def close_extras(self, **_: Any) -> None:
        """Gives threads, memory and window back."""
        games = getattr(self, "_games", None)
        if games is not None:
            games.close()

    def _episode_of(self, env: int) -> EpisodeSoFar:
        if self._statistics is None or not 0 <= env < self.num_envs:
            return EpisodeSoFar()
        return self._statistics.of(env)

    def _seeds_of(self, seed: Seeds) -> list[int | None]:
        """A seed or None for each game."""
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, Sequence | np.ndarray):
            if len(seed) != self.num_envs:
                raise ValueError(f"seed holds {len(seed)} seeds; expected {self.num_envs}")
            return [None if value is None else _seed(f"seed[{i}]", value) for i, value in enumerate(seed)]
        first = _seed("seed", seed)
        return [first + i for i in range(self.num_envs)]

    def _mask_of(self, options: dict[str, Any] | None) -> Mask:
        """Which games a reset is for."""
        if options is None or "reset_mask" not in options:
            return np.ones(self.num_envs, bool)
        mask = options["reset_mask"]
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise TypeError(f"options['reset_mask'] is {mask!r}; expected an array of bool")
        if mask.shape != (self.num_envs,):
            raise ValueError(f"options['reset_mask'] has shape {mask.shape}; expected ({self.num_envs},)")
        if not mask.any():
            raise ValueError("options['reset_mask'] chooses no environment")
        return mask.copy()


def make_native_vector(
    options: EnvOptions,
    num_envs: int,
    *,
    training: bool,
    num_threads: int | None = None,
    render_first: bool = False,
) -> CarRacingVectorEnv:
    """What `make_vector` makes of the stock game, made of the native one: the same rewards, ends and infos.

    Frames are (num_envs, *options.frame_shape) uint8; they differ from the stock game's at edges, as CarRacingVectorEnv
    says. A game that ends is reset in the same step.
    `render_first` opens a window on the first game, which holds it to real time.

    Raises ValueError where num_envs or num_threads is out of range.
    """
    return CarRacingVectorEnv(
        num_envs,
        render_mode="human" if render_first else None,
        autoreset_mode=AutoresetMode.SAME_STEP,
        num_threads=num_threads,
        **native_arguments(options, training=training),
    )


def _seed(name: str, value: object) -> int:
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} is {value!r}; it must be an integer") from None
    if number < 0:
        raise ValueError(f"{name} is {number}; it must be >= 0")
    return number
