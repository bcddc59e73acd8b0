"""Environments of either backend from one set of options."""

from __future__ import annotations

from typing import Literal, TypeAlias, overload

from gymnasium.vector import AutoresetMode

from apexline.racing.native.env import CarRacingEnv
from apexline.racing.native.vector_env import CarRacingVectorEnv
from apexline.racing.options import GameOptions, RulesLike
from apexline.racing.stock.make import StockVectorEnv, make_stock_env, make_stock_vector
from apexline.racing.stock.workers import MAX_RESTARTS, TIMEOUT, RacingWorkers
from apexline.racing.types import Env
from apexline.racing.validation import require, shown

Backend: TypeAlias = Literal["native", "gymnasium"]
"""`native`: apexline's CarRacing in C++. `gymnasium`: the stock CarRacing-v3 with wrappers."""
RacingVectorEnv: TypeAlias = CarRacingVectorEnv | StockVectorEnv | RacingWorkers
"""The vector environments that `make_vector` returns."""


def make_env(
    options: GameOptions,
    *,
    backend: Backend = "native",
    rules: RulesLike = None,
    render_mode: str | None = None,
) -> Env:
    """Makes one environment whose observations are `options.observation_shape` uint8.

    An episode is truncated after `options.max_episode_frames` frames; by default it has no limit, as the stock game
    itself has none. max_episode_frames=1000 is the limit of `gymnasium.make("CarRacing-v3")`.

    Both backends give the same rewards, ends and infos for the same seeds and actions; frames of `native` differ from
    the stock game's at edges (see CarRacingVectorEnv).

    Args:
        options: the game.
        backend: "native" or "gymnasium"; the latter needs `gymnasium[box2d]`.
        rules: reward shaping: a ShapingRules or a dict of its fields; None: none. `env.set_rules` changes them; of the
            backend "gymnasium", `env.get_wrapper_attr("set_rules")`.
        render_mode: None, "human", "rgb_array" or "state_pixels".

    Raises ValueError if an argument is out of range, and gymnasium.error.DependencyNotInstalled if the backend or a
    window needs a package that is not installed.
    """
    _require_arguments(options, backend)
    if backend == "native":
        return CarRacingEnv(render_mode, rules=rules, **vars(options))
    return make_stock_env(options, rules=rules, render_mode=render_mode)


@overload
def make_vector(
    options: GameOptions,
    num_envs: int,
    *,
    backend: Literal["native"] = "native",
    rules: RulesLike = None,
    num_threads: int | None = None,
    render_first: bool = False,
) -> CarRacingVectorEnv: ...
@overload
def make_vector(
    options: GameOptions,
    num_envs: int,
    *,
    backend: Backend,
    rules: RulesLike = None,
    num_threads: int | None = None,
    worker_processes: bool = False,
    worker_timeout: float = TIMEOUT,
    max_worker_restarts: int = MAX_RESTARTS,
    render_first: bool = False,
) -> RacingVectorEnv: ...
def make_vector(
    options: GameOptions,
    num_envs: int,
    *,
    backend: Backend = "native",
    rules: RulesLike = None,
    num_threads: int | None = None,
    worker_processes: bool = False,
    worker_timeout: float = TIMEOUT,
    max_worker_restarts: int = MAX_RESTARTS,
    render_first: bool = False,
) -> RacingVectorEnv:
    """Makes `num_envs` environments that step together, with same-step autoreset: see `make_env`.

    Observations are (num_envs, *options.observation_shape) uint8, a fresh array at each call. When an episode ends,
    `infos["final_obs"][i]` is its last observation and `infos["final_info"]` holds its infos; observations and all
    other infos belong to the new episode. `set_rules(rules)` of the environment changes the shaping rules.

    Args:
        options: the game.
        num_envs: number of environments.
        backend: "native" or "gymnasium"; the latter needs `gymnasium[box2d]`.
        rules: reward shaping: a ShapingRules or a dict of its fields; None: none.
        num_threads: threads of the backend "native"; None: see CarRacingVectorEnv.
        worker_processes: of the backend "gymnasium": run each environment in its own process (RacingWorkers) instead
            of all in this one.
        worker_timeout: seconds that a worker process may take to answer; it is replaced if it takes longer or dies.
        max_worker_restarts: replaced worker processes, after which the next loss raises WorkerDiedError.
        render_first: open a window on the first environment, which limits it to real time.

    Raises ValueError if an argument is out of range, and gymnasium.error.DependencyNotInstalled if the backend or a
    window needs a package that is not installed.
    """
    _require_arguments(options, backend)
    if backend == "native":
        return CarRacingVectorEnv(
            num_envs,
            render_mode="human" if render_first else None,
            autoreset_mode=AutoresetMode.SAME_STEP,
            max_episode_steps=None,
            num_threads=num_threads,
            rules=rules,
            **vars(options),
        )
    return make_stock_vector(
        options,
        num_envs,
        rules=rules,
        worker_processes=worker_processes,
        worker_timeout=worker_timeout,
        max_worker_restarts=max_worker_restarts,
        render_first=render_first,
    )


def _require_arguments(options: GameOptions, backend: str) -> None:
    if not isinstance(options, GameOptions):
        raise TypeError(f"options is {shown(options)}; expected a GameOptions")
    require("backend", backend, backend in ("native", "gymnasium"), "'native' or 'gymnasium'")
