"""Every function of the core that takes arrays, called with every kind of unusual array.

A call either gives the result of the plain arrays, or raises the documented exception and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest

from apexline import _core
from apexline.racing import CarRacingVectorEnv
from apexline.racing.native.rng import generator_state

from . import replays
from .native_racing import SMALL
from .unusual_arrays import SAME, Case, exact, flags, indices, numbers, outputs, priorities, shapes


class Argument(NamedTuple):
    value: np.ndarray
    cases: Callable[[np.ndarray], Iterator[Case]]
    other: Mapping[str, Any] = MappingProxyType({})
    """Exceptions that differ from those of `cases`, by name."""


class Function(NamedTuple):
    make: Callable[[], Any]
    call: Callable[..., Any]
    arguments: dict[str, Argument]
    state: Callable[[Any], Any]


def fingerprint(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, tuple | list):
        return [fingerprint(item) for item in value]
    return value


def tree() -> _core.replay.SumTree:
    made = _core.replay.SumTree(8, 3)
    made[np.arange(8)] = np.arange(1.0, 9.0)
    return made


def tree_state(made: Any) -> Any:
    return fingerprint(made.__getstate__())


def world() -> _core.racing.World:
    made = CarRacingVectorEnv(num_envs=3, **SMALL)._games.world
    every = np.ones(3, bool)
    made.reset(every, every, every, STATES)
    return made


def world_state(made: Any) -> list[bytes]:
    return [made.save(env) for env in range(3)]


STATES = np.stack([generator_state(np.random.default_rng(seed)) for seed in range(3)])
BAD_STATES = STATES.copy()
BAD_STATES[1, 4] = 2

REPLAY = replays.filled()
BATCH = REPLAY.sample(4)
SLOTS = REPLAY._core.read_slots(
    0, REPLAY._core.state()["rings"][0][0] - 3, REPLAY._core.state()["rings"][0][0]
)
HANDLES = np.unique(REPLAY.sample(30).indices)[:4]
FRAMES = np.arange(60, dtype=np.uint8).reshape(3, 5, 4)
MASK = np.array([True, False, True])


def add(replay: Any, frames, action, log_prob, hidden, rewards, terminated, truncated, finals, mask) -> None:
    replay._core.add(frames, [action, log_prob, hidden], rewards, terminated, truncated, finals, mask)


def sample(
    replay: Any, obs, action, reward, discount, next_obs, weights, indices, log_prob, hidden
) -> list[Any]:
    out = [obs, action, reward, discount, next_obs, weights, indices]
    replay._core.sample(0.5, 1, *out, {"log_prob": log_prob, "hidden": hidden})
    return [*out, log_prob, hidden]


def write_slots(replay: Any, frames, action, log_prob, hidden, rewards, in_episode, slot_flags) -> None:
    begin = replay._core.state()["rings"][0][0] - 3
    replay._core.write_slots(0, begin, frames, [action, log_prob, hidden], rewards, in_episode, slot_flags)


class Snapshot:
    """A snapshot and its replay."""

    def __init__(self) -> None:
        self.replay = replays.filled()
        self.core = _core.replay.Snapshot(self.replay._core)

    def state(self) -> Any:
        first, _, end = self.core.bounds()
        return replays.state_bytes(self.replay), fingerprint(self.core.read(first, end)), self.core.has(first)


def positions(array: np.ndarray) -> Iterator[Case]:
    yield from indices(array)
    yield from shapes(array)


BOUNDS = _core.replay.Snapshot(REPLAY._core).bounds()
ANY_POSITION = [f"with {far}" for far in (-1, -(2**63), 2**62, 2**63 - 1)]
"""What may be released or asked for."""

NOT_FINITE = [f"with {value}" for value in (np.nan, np.inf, -np.inf)]
"""What fields other than the action may contain."""

FUNCTIONS = {
    "SumTree.__getitem__": Function(
        tree, lambda made, index: made[index], {"index": Argument(np.array([1, 5, 5]), indices)}, tree_state
    ),
    "SumTree.__setitem__": Function(
        tree,
        lambda made, index, priority: made.__setitem__(index, priority),
        {
            "index": Argument(np.array([1, 5, 5]), indices),
            "priority": Argument(np.array([0.0, 2.5, 3.0]), priorities),
        },
        tree_state,
    ),
    "SumTree.sample": Function(
        tree,
        lambda made, out: made.sample(4, out),
        {"out": Argument(np.zeros(4, np.int64), outputs)},
        tree_state,
    ),
    "Replay.add": Function(
        replays.filled,
        add,
        {
            "frames": Argument(FRAMES, exact),
            "action": Argument(np.arange(6.0).reshape(3, 2), numbers, {"bool": TypeError}),
            "log_prob": Argument(
                np.arange(3, dtype=np.float32), numbers, dict.fromkeys(NOT_FINITE, "accepted")
            ),
            "hidden": Argument(
                np.arange(18, dtype=np.int16).reshape(3, 2, 3), exact, {"of the other byte order": SAME}
            ),
            "rewards": Argument(np.arange(3.0, dtype=np.float32), numbers),
            "terminated": Argument(np.array([False, True, False]), flags),
            "truncated": Argument(np.array([True, False, False]), flags),
            "finals": Argument(FRAMES[::-1].copy(), exact),
            "mask": Argument(MASK, flags),
        },
        replays.state_bytes,
    ),
    "Replay.cut_episodes": Function(
        replays.filled,
        lambda replay, mask: replay._core.cut_episodes(mask),
        {"mask": Argument(MASK, flags)},
        replays.state_bytes,
    ),
    "Replay.sample": Function(
        replays.filled,
        sample,
        {
            name: Argument(array, outputs)
            for name, array in zip(
                (
                    "obs",
                    "action",
                    "reward",
                    "discount",
                    "next_obs",
                    "weights",
                    "indices",
                    "log_prob",
                    "hidden",
                ),
                (*BATCH[:-1], *BATCH.extras.values()),
                strict=True,
            )
        },
        replays.state_bytes,
    ),
    "Replay.update_priorities": Function(
        replays.filled,
        lambda replay, indices, td_errors: replay._core.update_priorities(indices, td_errors),
        {
            "indices": Argument(HANDLES, indices),
            "td_errors": Argument(np.array([1.0, -2.0, 0.0, 3.0]), numbers),
        },
        replays.state_bytes,
    ),
    "Replay.write_slots": Function(
        replays.filled,
        write_slots,
        {
            "frames": Argument(SLOTS[0], exact),
            "action": Argument(SLOTS[1][0], exact),
            "log_prob": Argument(SLOTS[1][1], exact),
            "hidden": Argument(SLOTS[1][2], exact),
            "rewards": Argument(SLOTS[2], exact),
            "in_episode": Argument(SLOTS[3], exact),
            "slot_flags": Argument(SLOTS[4], exact),
        },
        replays.state_bytes,
    ),
    "World.reset": Function(
        world,
        lambda made, resets, recolours, reseeds, states, env_ids, out: made.reset(
            resets, recolours, reseeds, states, env_ids, out
        ),
        {
            "resets": Argument(np.ones(3, bool), flags),
            "recolours": Argument(MASK, flags),
            "reseeds": Argument(MASK, flags),
            "states": Argument(STATES, exact),
            "env_ids": Argument(np.array([2, 0, 1]), indices),
            "out": Argument(np.zeros((3, 8, 8), np.uint8), outputs),
        },
        world_state,
    ),
    "World.step": Function(
        world,
        lambda made, actions, env_ids, out: made.step(actions, env_ids, out),
        {
            "actions": Argument(
                np.array([[0, 1, 0], [0.5, 0, 1], [-1, 0, 0.25]]),
                numbers,
                {"bool": "accepted", "complex": ValueError, "strings": ValueError},
            ),
            "env_ids": Argument(np.array([2, 0, 1]), indices),
            "out": Argument(np.zeros((3, 8, 8), np.uint8), outputs),
        },
        world_state,
    ),
    "Snapshot.read": Function(
        Snapshot,
        lambda made, begin, end: made.core.read(begin, end),
        {"begin": Argument(BOUNDS[0], positions), "end": Argument(BOUNDS[2], positions)},
        Snapshot.state,
    ),
    "Snapshot.has": Function(
        Snapshot,
        lambda made, begin: made.core.has(begin),
        {"begin": Argument(BOUNDS[0], positions, dict.fromkeys(ANY_POSITION, "accepted"))},
        Snapshot.state,
    ),
    "Snapshot.release": Function(
        Snapshot,
        lambda made, begin: made.core.release(begin),
        {"begin": Argument(BOUNDS[0], positions, dict.fromkeys(ANY_POSITION, "accepted"))},
        lambda made: [made.core.has(bound) for bound in BOUNDS],
    ),
    "World.observe": Function(
        world,
        lambda made, env_ids, out: made.observe(env_ids, out),
        {
            "env_ids": Argument(np.array([2, 0, 1]), indices),
            "out": Argument(np.zeros((3, 8, 8), np.uint8), outputs),
        },
        world_state,
    ),
    "World.checked_ids": Function(
        world,
        lambda made, env_ids: made.checked_ids(env_ids),
        {"env_ids": Argument(np.array([2, 0, 1]), indices)},
        world_state,
    ),
}


def all_cases() -> Iterator[Any]:
    for function, (_, _, arguments, _) in FUNCTIONS.items():
        for argument, (value, cases, other) in arguments.items():
            for name, given, expected in cases(value):
                yield pytest.param(
                    function, argument, given, other.get(name, expected), id=f"{function}: {argument} {name}"
                )


def called(function: Function, **changes: Any) -> tuple[Any, Any]:
    """The result of the plain arguments with these changes, and the state after it, as bytes."""
    made = function.make()
    given = {name: argument.value.copy() for name, argument in function.arguments.items()}
    result = fingerprint(function.call(made, **{**given, **changes}))
    return result, function.state(made)


PLAIN: dict[str, tuple[Any, Any]] = {}
UNTOUCHED: dict[str, Any] = {}


@pytest.mark.parametrize(("name", "argument", "given", "expected"), list(all_cases()))
def test_an_array(name: str, argument: str, given: Any, expected: Any) -> None:
    function = FUNCTIONS[name]
    if name not in PLAIN:
        PLAIN[name] = called(function)
        UNTOUCHED[name] = function.state(function.make())
    if expected is SAME:
        assert called(function, **{argument: given}) == PLAIN[name]
        return
    if expected == "accepted":
        called(function, **{argument: given})
        return
    made = function.make()
    plain = {key: value.value.copy() for key, value in function.arguments.items()}
    with pytest.raises(expected, match=r"expected|fit"):
        function.call(made, **{**plain, argument: given})
    assert function.state(made) == UNTOUCHED[name]


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


def test_a_closed_snapshot() -> None:
    snapshot = _core.replay.Snapshot(REPLAY._core)
    snapshot.close()
    snapshot.close()
    for call in (
        snapshot.bounds,
        snapshot.state,
        lambda: snapshot.contents,
        lambda: snapshot.has(BOUNDS[0]),
        lambda: snapshot.read(BOUNDS[0], BOUNDS[2]),
        lambda: snapshot.release(BOUNDS[0]),
    ):
        with pytest.raises(ValueError, match="the snapshot is closed"):
            call()
