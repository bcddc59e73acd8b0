"""Saved states of native environments as bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apexline import _core


@dataclass(frozen=True)
class EpisodeSoFar:
    """Statistics of a running episode, which Python keeps."""

    total: float = 0.0
    """Sum of the rewards that `step` returned."""
    steps: int = 0
    """Steps taken."""
    seconds: float = 0.0
    """Wall-clock seconds since its reset."""


def pack_state(world: _core.racing.World, env: int, episode: EpisodeSoFar) -> bytes:
    """Returns the state of a game and its episode, with a version mark and a checksum over both (World::save)."""
    return world.save(env, episode.total, episode.steps, episode.seconds)


def unpack_state(world: _core.racing.World, state: bytes) -> None:
    """Restores the state of the only game. Raises ValueError or TypeError, and changes nothing, if it is none."""
    if not isinstance(state, bytes):
        raise TypeError(f"state is a {type(state).__name__}; expected bytes from get_state")
    world.load([0], [state])


def unpack_states(world: _core.racing.World, states: Mapping[int, bytes]) -> dict[int, EpisodeSoFar]:
    """Restores the states of games, all or none, and returns their episodes.

    Raises ValueError or TypeError, naming the game, if bytes are not a state.
    """
    for env, state in states.items():
        if not isinstance(state, bytes):
            raise TypeError(f"the state of environment {env} is a {type(state).__name__}; expected bytes")
    episodes = world.load(list(states), list(states.values()))
    return {env: EpisodeSoFar(*episode) for env, episode in zip(states, episodes, strict=True)}
