"""Saved states of native environments as bytes."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from apexline import _core


@dataclass(frozen=True)
class EpisodeSoFar:
    """What Python keeps of a running episode."""

    total: float = 0.0
    """Sum of the rewards that `step` gave."""
    steps: int = 0
    seconds: float = 0.0
    """Since its reset."""


_HEADER = struct.Struct("<Idqd")


def pack_state(core: _core.racing.World, env: int, episode: EpisodeSoFar) -> bytes:
    """A game's state and what Python keeps of it as bytes, with a checksum over all of them."""
    state = core.save(env)
    fields = (episode.total, episode.steps, episode.seconds)
    sum_over_all = zlib.crc32(_HEADER.pack(0, *fields) + state)
    return _HEADER.pack(sum_over_all, *fields) + state


def unpack_states(core: _core.racing.World, states: dict[int, bytes]) -> dict[int, EpisodeSoFar]:
    """Puts games into states, all of them or, where one is refused, none.

    Raises ValueError or TypeError, naming the game, where bytes are not a state.
    """
    before = {env: core.save(env) for env in states}
    episodes = {}
    try:
        for env, state in states.items():
            episodes[env] = _unpack_state(core, env, state)
    except BaseException:
        for env, old in before.items():
            core.load(env, old)
        raise
    return episodes


def _unpack_state(core: _core.racing.World, env: int, state: bytes) -> EpisodeSoFar:
    if not isinstance(state, bytes):
        raise TypeError(f"the state of environment {env} is a {type(state).__name__}; it must be bytes")
    if len(state) < _HEADER.size:
        raise ValueError(f"the state of environment {env} holds {len(state)} bytes; it is cut off")
    sum_over_all, *fields = _HEADER.unpack_from(state)
    content = state[_HEADER.size :]
    if zlib.crc32(_HEADER.pack(0, *fields) + content) != sum_over_all:
        raise ValueError(f"the state of environment {env} is damaged, or of another version of apexline")
    try:
        core.load(env, content)
    except ValueError as error:
        raise ValueError(f"environment {env}: {error}") from None
    return EpisodeSoFar(*fields)
