"""Every function of the core, called with every kind of unusual argument.

A call either gives the result of the ordinary arguments, or raises the documented exception and changes nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apexline import _core

from . import replays
from .doors import core_racing, core_replay
from .doors.checking import Checker, all_cases
from .doors.core_racing import BAD_STATES, MASK, STATES, world, world_state
from .doors.core_replay import BATCH, tree

FUNCTIONS = {**core_replay.FUNCTIONS, **core_racing.FUNCTIONS}


CHECKER = Checker(FUNCTIONS)


@pytest.mark.parametrize(("name", "argument", "given", "expected"), list(all_cases(FUNCTIONS)))
def test_an_argument(name: str, argument: str, given: Any, expected: Any) -> None:
    CHECKER.check(name, argument, given, expected)


def test_overlapping_outputs_are_written_in_some_order() -> None:
    replay = replays.filled()
    batch = replay.empty_batch(64)
    batch = batch._replace(next_obs=batch.obs, weights=batch.reward)
    for _ in range(5):
        replay.sample(64, out=batch)
    replay.check()
    shared = np.zeros(8, np.int64)
    made = tree()
    made.sample(8, shared)
    made[shared] = np.ones(8)
    assert made.sample(8, shared) is shared


@pytest.mark.parametrize("n", [0, -1, 2**62, -(2**63), 2**64, 1.5, None, "3", np.zeros(2)])
def test_a_number_of_samples(n: Any) -> None:
    with pytest.raises((MemoryError, TypeError, ValueError)):
        tree().sample(n)


@pytest.mark.parametrize("mass", [-1e-300, 36.0, np.inf, np.nan, None, "1", 1j, np.zeros(2)])
def test_a_mass(mass: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="expected"):
        tree().find(mass)


@pytest.mark.parametrize("states", [BAD_STATES, STATES[:2], STATES.astype(np.int64), None])
def test_random_states(states: Any) -> None:
    made = world()
    before = world_state(made)
    with pytest.raises((TypeError, ValueError), match="expected"):
        made.reset(MASK, MASK, MASK, states)
    assert world_state(made) == before


def test_a_closed_prefetcher() -> None:
    prefetcher = _core.replay.Prefetcher(replays.filled()._core)
    prefetcher.close()
    prefetcher.close()
    with pytest.raises(ValueError, match="the prefetcher is closed"):
        prefetcher.take()
    with pytest.raises(ValueError, match="the prefetcher is closed"):
        prefetcher.gathered()
    with pytest.raises(ValueError, match="the prefetcher is closed"):
        prefetcher.request(0.5, 0, BATCH)
    assert prefetcher.pending == 0
