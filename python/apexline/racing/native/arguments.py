"""Arguments of the vector environment's constructor and reset, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from apexline.racing.options import GameOptions
from apexline.racing.validation import INT32_MAX, require, require_integer, shown

Mask: TypeAlias = npt.NDArray[np.bool_]
Seeds: TypeAlias = int | Sequence[int | None] | None
Ids: TypeAlias = npt.NDArray[np.int64]
"""(n,) indices of different games; row i of every argument and result belongs to game ids[i]."""
EnvIds: TypeAlias = Sequence[int] | npt.NDArray[np.integer[Any]]

EPISODE_STEPS = 1000
"""Steps after which `gymnasium.make("CarRacing-v3")` truncates an episode."""


def autoreset_mode_of(value: AutoresetMode | str) -> AutoresetMode:
    """Returns the mode with this value. Raises ValueError if there is none."""
    modes = ", ".join(repr(mode.value) for mode in AutoresetMode)
    require(
        "autoreset_mode",
        value,
        value in [*AutoresetMode, *(m.value for m in AutoresetMode)],
        f"one of {modes}",
    )
    return AutoresetMode(value)


def limit_steps(options: GameOptions, max_episode_steps: int | None) -> GameOptions:
    """Returns the options with episodes of at most `max_episode_steps` steps; None or -1: unchanged.

    Raises ValueError or TypeError if it is out of range.
    """
    if max_episode_steps is None or max_episode_steps == -1:
        return options
    steps = require_integer("max_episode_steps", max_episode_steps, 1, none="None, -1 or ")
    frames = options.skip_zoom + steps * options.action_repeat
    limit = INT32_MAX if options.max_episode_frames is None else options.max_episode_frames
    return replace(options, max_episode_frames=min(frames, limit))


def seeds_of(seed: Seeds, envs: Sequence[int]) -> list[int | None]:
    """Returns a seed or None for each of the environments: seed + i for environment i if there is one seed.

    Raises ValueError or TypeError, naming the place, if a seed is not a non-negative integer or their number differs
    from len(envs).
    """
    if seed is None:
        return [None] * len(envs)
    if isinstance(seed, Sequence | np.ndarray):
        require("len(seed)", len(seed), len(seed) == len(envs), str(len(envs)))
        return [
            None if value is None else require_integer(f"seed[{i}]", value, 0, None)
            for i, value in enumerate(seed)
        ]
    first = require_integer("seed", seed, 0, None)
    return [first + i for i in envs]


def randomizes(options: object) -> bool:
    """Returns whether a reset draws new colours: options["randomize"], if options are a dict that has it."""
    return bool(options.get("randomize", True)) if isinstance(options, dict) else True


def reset_mask_of(options: dict[str, Any] | None, num_envs: int, env_ids: Ids | None) -> Mask:
    """Returns which rows a reset selects: all, or a copy of options["reset_mask"].

    Raises ValueError or TypeError if the mask is not (num_envs,) bool, selects none, or comes with `env_ids`.
    """
    if options is None or "reset_mask" not in options:
        return np.ones(num_envs if env_ids is None else len(env_ids), bool)
    mask = options["reset_mask"]
    require("options['reset_mask']", mask, env_ids is None, "no mask with env_ids")
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        raise TypeError(f"options['reset_mask'] is {shown(mask)}; expected an array of bool")
    if mask.shape != (num_envs,):
        raise ValueError(f"options['reset_mask'] has shape {mask.shape}; expected ({num_envs},)")
    require("options['reset_mask']", mask, bool(mask.any()), "at least one True")
    selected: Mask = np.asarray(mask).view(np.uint8) != 0  # in views and image masks True is any byte but 0
    return selected
