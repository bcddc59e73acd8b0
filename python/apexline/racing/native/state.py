"""Saved states of native environments as bytes."""

from __future__ import annotations

import struct
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


_EPISODE = struct.Struct("<dqd")


def pack_state(world: _core.racing.World, env: int, episode: EpisodeSoFar) -> bytes:
    """Returns the state of a game and its episode, with a version mark and a checksum over both (World::save)."""
    return world.save(env, _EPISODE.pack(episode.total, episode.steps, episode.seconds))


def unpack_state(world: _core.racing.World, state: bytes) -> None:
    """Restores the state of the first game. Raises ValueError or TypeError, and changes nothing, if it is none."""
    if not isinstance(state, bytes):
        raise TypeError(f"state is a {type(state).__name__}; expected bytes from get_state")
    try:
        world.load(0, state)
    except ValueError as error:
        raise ValueError(f"cannot restore the environment: {error}") from None


def unpack_states(world: _core.racing.World, states: dict[int, bytes]) -> dict[int, EpisodeSoFar]:
    """Restores the states of games, all or none, and returns their episodes.

    Raises ValueError or TypeError, naming the game, if bytes are not a state.
    """
    before = {env: world.save(env) for env in states}
    episodes = {}
    try:
        for env, state in states.items():
            episodes[env] = _unpack_state(world, env, state)
    except BaseException:
        for env, old in before.items():
            world.load(env, old)
        raise
    return episodes


def _unpack_state(world: _core.racing.World, env: int, state: bytes) -> EpisodeSoFar:
    if not isinstance(state, bytes):
        raise TypeError(f"the state of environment {env} is a {type(state).__name__}; expected bytes")
    try:
        return EpisodeSoFar(*_EPISODE.unpack(world.load(env, state)))
    except (ValueError, struct.error) as error:
        raise ValueError(f"cannot restore environment {env}: {error}") from None
