"""CarRacingVectorEnv: many native games as a gymnasium vector environment."""

from __future__ import annotations

from typing import Any, TypeAlias, Unpack

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from apexline.racing.native.arguments import (
    EPISODE_STEPS,
    EnvIds,
    Mask,
    Seeds,
    autoreset_mode_of,
    limit_steps,
    randomizes,
    reset_mask_of,
    seeds_of,
)
from apexline.racing.native.games import (
    AVAILABLE_MODES,
    FRAMES_PER_SECOND,
    LIST_MODES,
    MAX_ENVS,
    RENDER_MODES,
    VIDEO_SIZE,
    NativeGames,
    Outcome,
    render_fps,
)
from apexline.racing.native.rng import generator_at, generator_state
from apexline.racing.native.snapshots import Cars, CarSnapshot, SkidMark, TrackSnapshot
from apexline.racing.native.specs import vector_spec
from apexline.racing.native.stock_view import StockGames
from apexline.racing.native.vector.infos import EpisodeStatistics, add_endings, add_finals, running_infos
from apexline.racing.native.vector.per_game import PerGameAccess
from apexline.racing.native.vector.state_access import StateAccess
from apexline.racing.options import GameKwargs, GameOptions, RulesLike, ShapingRules, changed_fields
from apexline.racing.types import Frame, Info
from apexline.racing.validation import require_integer

VectorStep: TypeAlias = tuple[Frame, npt.NDArray[np.float64], Mask, Mask, Info]

AUTORESET = {
    AutoresetMode.NEXT_STEP: "next_step",
    AutoresetMode.SAME_STEP: "same_step",
    AutoresetMode.DISABLED: "disabled",
}
"""Names of the modes in the C++ core."""


class CarRacingVectorEnv(PerGameAccess, StateAccess, VectorEnv[Frame, npt.NDArray[Any], npt.NDArray[Any]]):
    """`num_envs` games of CarRacing-v3 in C++, stepped together on threads, without Box2D or pygame.

    Tracks, physics, rewards, termination and `render` images are those of the stock game, bit for bit: by default it
    behaves as SyncVectorEnv over `gymnasium.make("CarRacing-v3")` with more keys in its infos. (Without pygame
    installed, the score is drawn in another font.) Observations are drawn by a faster renderer and differ from the
    stock game's at edges, by 0.04 to 0.09 of 255 levels in the mean (docs/racing.md); `render` with "state_pixels"
    draws the stock ones.

    Results depend on seeds and actions only, not on threads, instruction set or the other games. Calls from a second
    thread during a call raise RuntimeError. `step` and `reset` release the GIL.

    Observations are (num_envs, *options.observation_shape) uint8: (num_envs, 96, 96, 3) by default, (num_envs, n, n)
    with `gray` and `frame_size` n, (num_envs, 3, n, n) with `channels_first`; with `frame_stack` k the last k frames,
    oldest first: (num_envs, 96, 96, 3 k), (num_envs, k, n, n), (num_envs, 3 k, n, n). Actions are (num_envs, 3):
    steering in [-1, 1], +1 is right; gas and brake in [0, 1]. With `pedal` they are (num_envs, 2). Arrays and sequences
    of numbers of any kind are computed as float64; float32 and float64 are not copied. With continuous=False actions
    are (num_envs,) integers: 0 nothing, 1 right, 2 left, 3 gas, 4 brake. Rewards are (num_envs,) float64, terminated
    and truncated (num_envs,) bool. Every call returns new arrays, unless it is given `out`. `env_ids` selects the games
    of a call; the arrays then have a row for each of them. See `step`.

    Infos are arrays (num_envs,), each with a mask `_key`, as in gymnasium's vector environments:
        score: float64, sum of the game's own rewards in the episode; frames: int64, game frames (1/50 s) played in the
        episode; tiles: float64, fraction of tiles visited; repeats: int64, frames played by the step;
        lap_finished: bool, for episodes that the game ended; ended_by: "stall" or "lap_end", for episodes that a rule
        ended; episode: with `episode_statistics`, for episodes that ended.
    With same-step autoreset they describe the new episode; those of the ended one are in `final_info`, and its last
    observation in `final_obs` (an object array).

    `envs[i]`, iteration and `envs.envs` give single games with the attributes of the stock game; `call`, `get_attr` and
    `set_attr` apply to all of them, as in SyncVectorEnv. `copy.deepcopy` and `pickle` copy the games with their
    episodes, which continue bit for bit.

    Two quirks of the stock game: its reset plays a frame, which visits tiles 0 and 1, so the first step returns their
    reward (2000 / tiles - 0.1); for the same reason its rule that ends a lap at the start line once
    `lap_complete_percent` is visited never applies, so only a lap with every tile visited ends.
    `ends_at_start_line` makes the rule apply.

    Args:
        num_envs: 1 to 65536.
        render_mode: None; "rgb_array": `render` returns images of `render_size`; "state_pixels": (96, 96, 3);
            "human": a window on the first game, which limits it to real time and needs pygame; "rgb_array_list" and
            "state_pixels_list": lists of the images since the last reset or call of `render`, which are drawn at every
            step and kept, 720 kB each for (400, 600).
        render_size: height and width of "rgb_array" and "rgb_array_list" images, in pixels, up to (800, 1000).
        verbose: print a line for each new track.
        autoreset_mode: when an environment whose episode ended is reset; "SameStep", "NextStep" or "Disabled".
        num_threads: threads; None: one per 2 games, at most the processors available to this process.
        rules: reward shaping: a ShapingRules or a dict of its fields; None: none.
        max_episode_steps: steps after which an episode is truncated; None or -1: no limit. A step is `action_repeat`
            frames, as under gymnasium's TimeLimit: with action_repeat=4, 1000 steps are 4000 frames.
            `max_episode_frames`, if given, is a further limit; max_episode_frames=1000 gives episodes as long as the
            stock game's for any `action_repeat`. `gymnasium.make_vec` passes the value of its spec or its caller.
        episode_statistics: add `episode` to the infos, as gymnasium's RecordEpisodeStatistics does, which itself
            refuses environments whose infos have that key.
        **options: fields of GameOptions.

    Raises ValueError or TypeError, naming argument and value, if one is out of range, and
    gymnasium.error.DependencyNotInstalled if render_mode is "human" and pygame is not installed.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as gymnasium declares it
        "render_modes": list(AVAILABLE_MODES),
        "render_fps": FRAMES_PER_SECOND,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        *,
        render_mode: str | None = None,
        render_size: tuple[int, int] = VIDEO_SIZE,
        verbose: bool = False,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        num_threads: int | None = None,
        rules: RulesLike = None,
        max_episode_steps: int | None = EPISODE_STEPS,
        episode_statistics: bool = False,
        **options: Unpack[GameKwargs],
    ) -> None:
        game = GameOptions(**options)
        limited = limit_steps(game, max_episode_steps)
        self._options = game
        self._max_episode_steps = max_episode_steps
        self.num_envs = require_integer("num_envs", num_envs, 1, MAX_ENVS)
        self.autoreset_mode = autoreset_mode_of(autoreset_mode)
        self._render_mode = render_mode
        self.metadata = {
            **self.metadata,
            "autoreset_mode": self.autoreset_mode,
            "render_fps": render_fps(game),
        }
        if render_mode in LIST_MODES:  # as gymnasium's RenderCollection does
            self.metadata["render_modes"] = [*self.metadata["render_modes"], render_mode]
        self.single_observation_space = game.observation_space
        self.single_action_space = game.action_space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

        streams = [seeding.np_random() for _ in range(self.num_envs)]
        self._seeds = [seed for _, seed in streams]
        self._was_reset = np.zeros(self.num_envs, bool)
        self._games = NativeGames(
            limited,
            [generator for generator, _ in streams],
            autoreset=AUTORESET[self.autoreset_mode],
            rules=rules,
            num_threads=num_threads,
            render_mode=render_mode,
            render_size=render_size,
            verbose=verbose,
            owner=type(self).__name__,
            render_modes=(*RENDER_MODES, *LIST_MODES),
        )
        if type(self) is CarRacingVectorEnv:  # a subclass may take other arguments
            mode = None if autoreset_mode == AutoresetMode.NEXT_STEP else self.autoreset_mode.value
            arguments = {
                "render_mode": render_mode,
                "render_size": None if self.render_size == VIDEO_SIZE else self.render_size,
                "verbose": verbose,
                "autoreset_mode": mode,
                "num_threads": num_threads,
                "rules": self.rules,
                "episode_statistics": episode_statistics,
            }
            passed = {name: getattr(game, name) for name in options}
            self.spec = vector_spec(self.num_envs, max_episode_steps, arguments, passed)
        self._stock_games = StockGames(self._games)
        self._resets_in_step = self.autoreset_mode is AutoresetMode.SAME_STEP
        self._statistics = (
            EpisodeStatistics(self.num_envs, resets_in_step=self._resets_in_step)
            if episode_statistics
            else None
        )

    @property
    def options(self) -> GameOptions:
        """Options of every game."""
        return self._options

    @property
    def max_episode_steps(self) -> int | None:
        """Steps after which an episode is truncated; None or -1: no limit."""
        return self._max_episode_steps

    @property
    def render_mode(self) -> str | None:  # type: ignore[override]
        """The render mode; None: no images."""
        return self._render_mode

    @property
    def render_size(self) -> tuple[int, int]:
        """Height and width of "rgb_array" images, in pixels."""
        return self._games.render_size

    @property
    def rules(self) -> ShapingRules | None:
        """The shaping rules; None: none."""
        return self._games.rules

    def __repr__(self) -> str:
        arguments = [str(self.num_envs), f"autoreset_mode={self.autoreset_mode.value!r}"]
        if self.max_episode_steps != EPISODE_STEPS:
            arguments.append(f"max_episode_steps={self.max_episode_steps}")
        arguments += changed_fields(self.options)
        if self.rules is not None:
            arguments.append(f"rules={self.rules!r}")
        return f"{type(self).__name__}({', '.join(arguments)})"

    def set_rules(self, rules: RulesLike) -> None:
        """Replaces the shaping rules from the next step on; running episodes continue.

        Steps without a new tile keep counting, and a tile that was checked by the rule of missed tiles is not checked
        again. Raises ValueError or TypeError if `rules` is no ShapingRules, dict of its fields or None.
        """
        self._games.set_rules(rules)

    def reset(
        self,
        *,
        seed: Seeds = None,
        options: dict[str, Any] | None = None,
        env_ids: EnvIds | None = None,
        out: Frame | None = None,
    ) -> tuple[Frame, Info]:
        """Starts an episode in every game, or in those of `env_ids`.

        Args:
            seed: of game 0; game i gets seed + i. Or a sequence with a seed or None for each game of the reset. The
                random stream of a game without a seed continues; it starts from entropy.
            options: "reset_mask", (num_envs,) bool: resets these games only and returns the current observations of
                the others. "randomize": False keeps the colours of `domain_randomize` games.
            env_ids: see `step`.
            out: see `step`.

        Returns:
            Observations, and infos `score`, `frames` and `tiles` of the games that were reset.

        Raises, and changes nothing: ValueError or TypeError, naming argument and value, if one is out of range;
        gymnasium.error.ResetNeeded if the mask leaves out a game that was never reset.
        """
        world = self._games.world
        ids = None if env_ids is None else world.checked_ids(env_ids)
        envs = range(self.num_envs) if ids is None else ids.tolist()
        seeds = seeds_of(seed, envs)
        mask = reset_mask_of(options, self.num_envs, ids)
        everywhere = bool(mask.all())
        if not everywhere and not (mask | self._was_reset).all():
            missing = int(np.flatnonzero(~(mask | self._was_reset))[0])
            raise ResetNeeded(
                f"options['reset_mask'] leaves out environment {missing}, which was never reset"
            )
        recolours = np.full(len(envs), randomizes(options))
        reseeds = np.zeros(len(envs), bool)
        states = np.zeros((len(envs), 6), np.uint64)
        new_seeds = {}
        for row, new_seed in enumerate(seeds):
            if new_seed is not None and mask[row]:
                generator, new_seeds[envs[row]] = seeding.np_random(new_seed)
                reseeds[row], states[row] = True, generator_state(generator)
        frames, reports = self._games.reset(mask, recolours, reseeds, states, ids, out)
        for env, new_seed in new_seeds.items():
            self._seeds[env] = new_seed
        chosen = mask if ids is None else ids
        self._was_reset[chosen] = True
        if self._statistics is not None:
            self._statistics.begin(chosen)
        return frames if everywhere else world.observe(out=out), running_infos(reports, mask)

    def step(
        self, actions: npt.ArrayLike, env_ids: EnvIds | None = None, *, out: Frame | None = None
    ) -> VectorStep:
        """Steps every game; with next-step autoreset, a game whose episode ended in the last step is reset instead, and
        its action is ignored, whatever its values.

        Args:
            actions: one for each game of the step.
            env_ids: the games to step, (n,) different integers from 0 to num_envs - 1; None: all. The other games do
                not change. Row i of actions, observations, rewards, ends and infos then belongs to game env_ids[i].
            out: array to which the observations are written, and which is returned: uint8, C-contiguous, of shape
                (num_envs or n, *single_observation_space.shape). The next call with the same array overwrites them.
                None: a new array. `final_obs` is always new.

        Raises, and changes nothing: InvalidActionError, naming place and value, if an action has the wrong shape or
        dtype, is not finite, or is no discrete action; ValueError or TypeError if env_ids or out are invalid;
        IndexError if there is no game of an id; gymnasium.error.ResetNeeded if a game was never reset, or has ended and
        autoreset is disabled; gymnasium.error.ClosedEnvironmentError after `close`.
        """
        ids = None if env_ids is None else self._games.world.checked_ids(env_ids)
        frames, reports, last_frames, last_reports = self._games.step(actions, ids, out)
        rewards = reports["reward"].copy()
        terminated = reports["terminated"].copy()
        truncated = reports["truncated"].copy()
        infos = running_infos(reports, np.ones(len(reports), bool))
        ended = terminated | truncated
        if self._statistics is not None:
            self._statistics.count(rewards, reports["was_reset"], ended, infos, ids)
        if last_frames is not None and last_reports is not None:
            add_finals(infos, last_frames, last_reports, ended)
        elif ended.any():
            add_endings(infos, reports, ended)
        return frames, rewards, terminated, truncated, infos

    def step_raw(
        self, actions: npt.NDArray[Any], env_ids: EnvIds | None = None, *, out: Frame | None = None
    ) -> Outcome:
        """As `step`, without building gymnasium's infos: for training loops. Does not count `episode_statistics`.

        Returns:
            frames: observations, as `step` returns them.
            reports: (num_envs or n,) structured, with the fields reward, terminated, truncated, was_reset, ended_by,
                lap_finished, repeats, score, frames and tiles; see `apexline.racing.native.games.Reports`.
            last_frames: with same-step autoreset, if an episode ended: an array like `frames` whose rows of the games
                that ended are their last observations; other rows are undefined. Else None.
            last_reports: likewise, the reports of the episodes that ended; other rows are zero. Else None.
        """
        ids = None if env_ids is None else self._games.world.checked_ids(env_ids)
        return self._games.step(actions, ids, out)

    def observe(self, env_ids: EnvIds | None = None, *, out: Frame | None = None) -> Frame:
        """Returns the current observations, e.g. after `set_state`, of all games or those in `env_ids`: see `step`.

        Raises gymnasium.error.ResetNeeded if a game was never reset.
        """
        return self._games.observe(env_ids, out)

    def render(self) -> tuple[Frame | list[Frame], ...] | None:  # type: ignore[override]
        """Returns the images of all games, (*render_size, 3) or with "state_pixels" (96, 96, 3) uint8.

        None with a window. With "rgb_array_list" and "state_pixels_list" it returns a list for each game: an image of
        its last reset and of every step since, without those that an earlier call returned.
        """
        if self.render_mode in (None, "human"):
            self._render_game(0)
            return None
        return tuple(self._render_game(env) for env in range(self.num_envs))  # type: ignore[misc]

    def _render_game(self, env: int) -> Frame | list[Frame] | None:
        if self.render_mode is None:
            gym.logger.warn(f"{self} has no render_mode; render returns None")
            return None
        return self._games.render(env) if self.render_mode != "human" or env == 0 else None

    def track_snapshot(self, env: int) -> TrackSnapshot:
        """Returns a copy of a game's road. Raises IndexError if there is no such game."""
        return self._games.track_snapshot(env)

    def car_snapshot(self, env: int) -> CarSnapshot:
        """Returns a copy of a game's car. Raises IndexError if there is no such game."""
        return self._games.car_snapshot(env)

    def cars(self) -> Cars:
        """Returns copies of all cars in one call, (num_envs,) structured with the fields of CarSnapshot.

        For reward shaping and planning: `envs.cars()["x"][:, 4]` are the x of the hulls, `["wheel_tiles"]` the numbers
        of tiles under each wheel, (num_envs, 4), and `["reward"]` the scores. `apexline.racing.native.snapshots.Cars`
        lists all fields.
        """
        return self._games.cars()

    def skid_marks(self, env: int) -> list[SkidMark]:
        """Returns a game's skid marks, which exist with the render modes "rgb_array" and "human" only.

        Raises IndexError if there is no such game.
        """
        return self._games.skid_marks(env)

    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """Copies of the generators from which the games draw tracks and colours."""
        return tuple(generator_at(self._games.world.random_state(env)) for env in range(self.num_envs))

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]
        """The seed of each game's random stream; -1 after `set_state`."""
        return tuple(self._seeds)

    def close_extras(self, **_: Any) -> None:
        """Frees threads, memory and window."""
        games = getattr(self, "_games", None)
        if games is not None:
            games.close()
