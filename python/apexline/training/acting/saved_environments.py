"""States of native environments as arrays for a checkpoint."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from apexline.racing import CarRacingVectorEnv

Arrays = dict[str, NDArray[Any]]


def save_environments(envs: CarRacingVectorEnv) -> Arrays:
    """The state of every environment: `games` (num_envs, bytes) uint8, padded with zeros, and `sizes` (num_envs,)."""
    states = [np.frombuffer(state, np.uint8) for state in envs.get_state()]
    sizes = np.array([len(state) for state in states])
    games = np.zeros((len(states), sizes.max()), np.uint8)
    for game, state in zip(games, states, strict=True):
        game[: len(state)] = state
    return {"games": games, "sizes": sizes}


def load_environments(envs: CarRacingVectorEnv, saved: Arrays) -> None:
    """Restore the states in `saved`, as `save_environments` returned them.

    Raises:
        KeyError, ValueError: they are damaged, of environments with other options, or of another number of them.
    """
    games, sizes = saved["games"], saved["sizes"]
    shape = games.shape[:1] == sizes.shape == (envs.num_envs,)
    if not (shape and games.ndim == 2 and games.dtype == np.uint8 and sizes.dtype == np.int64):
        raise ValueError(
            f"games are {games.dtype} {games.shape}; expected uint8 ({envs.num_envs}, bytes) and sizes"
        )
    if ((sizes < 0) | (sizes > games.shape[1])).any():
        raise ValueError(f"sizes are {sizes.min()} to {sizes.max()}; expected from 0 to {games.shape[1]}")
    envs.set_state([game[:size].tobytes() for game, size in zip(games, sizes, strict=True)])
