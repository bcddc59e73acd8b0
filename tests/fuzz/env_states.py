"""Target: saved states of environments."""

from __future__ import annotations

import functools
from pathlib import Path

from apexline.racing import CarRacingEnv

from ..unit.hostile_states import GAMES, mutant, played, use
from ..unit.state_fields import StateFields
from .mutators import Mutator
from .target import Files, Target

STATE = "state.bin"
GAME = "game.txt"
"""Number of the options in `GAMES`."""


@functools.cache
def good(game: int) -> StateFields:
    return StateFields(played(*GAMES[game]).get_state())


@functools.cache
def environment(game: int) -> CarRacingEnv:
    env = played(GAMES[game][0], -1)
    env.reset(seed=1)
    return env


def mutant_state(mutate: Mutator) -> Files:
    game = mutate.below(len(GAMES))
    sealed = mutant(good(game), mutate.random)[1].sealed()
    state = mutate.bytes(good(game).sealed()) if mutate.chance(0.1) else sealed
    return {STATE: state, GAME: str(game).encode()}


def without_statistics(state: bytes) -> bytes:
    """Without what this environment does not keep."""
    fields = StateFields(state)
    for name in ("total", "steps", "wall_seconds"):
        fields.fields[name][:] = 0
    return fields.sealed()


def run_state(folder: Path) -> bool:
    env = environment(int((folder / GAME).read_text()))
    state = (folder / STATE).read_bytes()
    env.reset(seed=1)
    before = env.get_state()
    try:
        env.set_state(state)
    except ValueError:
        assert env.get_state() == before, "a refused state has changed the environment"
        return False
    assert without_statistics(env.get_state()) == without_statistics(state), "an accepted state changes"
    use(env, draws=state[-1] % 8 == 0)
    return True


TARGETS = {"env_state": Target(mutant_state, run_state)}
