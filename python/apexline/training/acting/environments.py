"""The game that a configuration names: apexline's own or gymnasium's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from apexline import racing
from apexline.racing import EnvOptions, ShapingRules
from apexline.racing.types import Env
from apexline.training.config.train_config import GameKind, TrainConfig


def make_env(kind: GameKind, options: EnvOptions, *, render_mode: str | None = None) -> Env:
    """One game without the rules of training.

    Raises:
        DependencyNotInstalled: gymnasium's game is asked for without `gymnasium[box2d]`.
    """
    if kind == "native":
        return racing.make_native_env(options, training=False, render_mode=render_mode)
    return racing.make_env(options, training=False, render_mode=render_mode)


def make_vector(
    config: TrainConfig, rules: ShapingRules, *, num_threads: int, render: bool
) -> VectorEnv[Any, Any, Any]:
    """The games that a run trains on, by these rules, native ones on `num_threads`; `render` opens a window on the
    first one.

    Raises:
        DependencyNotInstalled: gymnasium's game is asked for without `gymnasium[box2d]`.
    """
    game = replace(config.game, rules=rules)
    if config.env == "native":
        return racing.make_native_vector(
            game, config.num_envs, training=True, num_threads=num_threads, render_first=render
        )
    return racing.make_vector(
        game, config.num_envs, training=True, asynchronous=config.env_processes, render_first=render
    )


def action_bounds(options: EnvOptions) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lowest and highest action (A,) float32 of a game with these options."""
    low = [-1, -1] if options.pedal else [-1, 0, 0]
    return np.array(low, np.float32), np.ones(len(low), np.float32)
