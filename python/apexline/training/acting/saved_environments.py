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
        ValueError: they are of environments with other options, or another number of them.
    """
    games = zip(saved["games"], saved["sizes"], strict=True)
    envs.set_state([game[:size].tobytes() for game, size in games])
