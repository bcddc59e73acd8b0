"""Functions of `apexline._core.replay` with their ordinary arguments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from apexline import _core

from .. import replays
from .values import (
    ACCEPTED,
    SAME,
    TRUNCATED,
    Argument,
    Case,
    Function,
    Integer,
    Real,
    exact,
    fingerprint,
    flags,
    indices,
    numbers,
    objects,
    outputs,
    priorities,
    shapes,
)


def tree() -> _core.replay.SumTree:
    made = _core.replay.SumTree(8, 3)
    made[np.arange(8)] = np.arange(1.0, 9.0)
    return made


def tree_state(made: Any) -> Any:
    return fingerprint(made.__getstate__())


def tree_of(state: Any) -> Any:
    made = _core.replay.SumTree.__new__(_core.replay.SumTree)
    made.__setstate__(state)
    return tree_state(made)


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

    def close(self) -> None:
        self.core.close()


def positions(array: np.ndarray) -> Iterator[Case]:
    yield from indices(array)
    yield from shapes(array)


BOUNDS = _core.replay.Snapshot(REPLAY._core).bounds()
ANY_POSITION = {f"with {far}": ACCEPTED for far in (-1, -(2**63), 2**62, 2**63 - 1)}
"""What may be released or asked for."""

NOT_FINITE = [f"with {value}" for value in (np.nan, np.inf, -np.inf)]
"""What fields other than the action may contain."""


def prefetcher() -> Any:
    """With one batch to take."""
    made = _core.replay.Prefetcher(replays.filled()._core)
    made.request(0.5, 1, empty_batch(4))
    return made


def empty_batch(size: int) -> Any:
    return REPLAY.empty_batch(size)


def requested(made: Any, beta: Any, shift: Any, batch: Any) -> Any:
    made.request(beta, shift, tuple(batch) if isinstance(batch, list) else batch)
    made.take()
    return made.take()


def state_with(replay: Any, **changes: Any) -> Any:
    state = replay._core.state()
    core = replay._settings.make_core()
    core.restore({**state, **changes})
    return core.state()


COUNTER = Integer(0, 2**64 - 1)
FLOAT_MAX = float(np.finfo(float).max)
CORE_ARGUMENTS: dict[str, Any] = {
    "capacity": Argument(90, Integer(15, 2**40), {"of 1099511627777": (ValueError, MemoryError)}),
    "num_envs": Argument(3, Integer(1, 90)),
    "frame_shape": Argument((5, 4), objects),
    "frame_dtype": Argument(np.dtype(np.uint8), objects),
    "fields": Argument([("action", (2,), np.dtype(np.float32))], objects),
    "frame_stack": Argument(3, Integer(1, 28)),
    "n_step": Argument(2, Integer(1, 27)),
    "gamma": Argument(0.5, Real(0, 1)),
    "alpha": Argument(0.5, Real(0, 1)),
    "beta": Argument(0.5, Real(0, 1)),
    "epsilon": Argument(0.5, Real(0, FLOAT_MAX, is_open=True)),
    "shift": Argument(1, Integer(0, 2**31 - 1)),
    "seed": Argument(1, COUNTER, TRUNCATED),
    "num_threads": Argument(1, Integer(1, 1024), {"None": ACCEPTED}),
}
RINGS = REPLAY._core.state()["rings"]
PRIORITIES = REPLAY._core.priorities()

FUNCTIONS = {
    "SumTree.__init__": Function(
        lambda: _core.replay.SumTree,
        lambda cls, capacity, seed: tree_state(cls(capacity, seed)),
        {"capacity": Argument(5, Integer(1, 2**40)), "seed": Argument(3, COUNTER, TRUNCATED)},
    ),
    "SumTree.__len__": Function(tree, len),
    "SumTree.seed": Function(tree, lambda made: made.seed),
    "SumTree.total": Function(tree, lambda made: made.total),
    "SumTree.min": Function(tree, lambda made: made.min()),
    "SumTree.max": Function(tree, lambda made: made.max()),
    "SumTree.clear": Function(tree, lambda made: made.clear()),
    "SumTree.__getstate__": Function(tree, lambda made: made.__getstate__()),
    "SumTree.__setstate__": Function(
        lambda: None,
        lambda _, seed, draws, leaves: tree_of((seed, draws, leaves)),
        {
            "seed": Argument(3, COUNTER, TRUNCATED),
            "draws": Argument(4, COUNTER, TRUNCATED),
            "leaves": Argument(
                np.arange(1.0, 6.0),
                priorities,
                {"longer": ACCEPTED, "one axis more": ValueError, "empty": ValueError},
            ),
        },
    ),
    "SumTree.find": Function(
        tree, lambda made, mass: made.find(mass), {"mass": Argument(3.0, Real(0, 36))}, tree_state
    ),
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
        lambda made, n, out: made.sample(n, out),
        {"n": Argument(4, Integer(1, 4)), "out": Argument(np.zeros(4, np.int64), outputs)},
        tree_state,
    ),
    "Replay.add": Function(
        replays.filled,
        add,
        {
            "frames": Argument(FRAMES, exact),
            "action": Argument(np.arange(6.0).reshape(3, 2), numbers, {"bool": TypeError}),
            "log_prob": Argument(
                np.arange(3, dtype=np.float32), numbers, dict.fromkeys(NOT_FINITE, ACCEPTED)
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
    "Replay.__init__": Function(
        lambda: _core.replay.Replay,
        lambda cls, **given: fingerprint(cls(**given).state()),
        CORE_ARGUMENTS,
    ),
    "Replay.bytes_for": Function(
        lambda: _core.replay.Replay,
        lambda cls, **given: cls.bytes_for(**given),
        {
            "capacity": Argument(100, Integer(1, 2**40), {f"of {2**40 + 1}": ACCEPTED}),
            "num_envs": Argument(3, Integer(1, 100)),
            "frame_bytes": Argument(20, COUNTER, TRUNCATED),
            "field_bytes": Argument(8, COUNTER, TRUNCATED),
        },
    ),
    **{
        f"Replay.{name}": Function(replays.filled, lambda replay, name=name: getattr(replay._core, name))
        for name in ("capacity", "num_threads", "num_eligible", "max_priority", "nbytes", "bytes_per_slot")
    },
    **{
        f"Replay.{name}": Function(replays.filled, lambda replay, name=name: getattr(replay._core, name)())
        for name in ("priorities", "stats", "state", "check", "clear")
    },
    "Replay.restore": Function(
        replays.filled,
        state_with,
        {
            **{name: Argument(5, COUNTER, TRUNCATED) for name in ("seed", "draws", "batches")},
            "stale_updates": Argument(5, Integer(0, 2**63 - 1), TRUNCATED),
            "max_priority": Argument(50.0, Real(PRIORITIES.max(), 1e290)),
            "rings": Argument(RINGS, objects),
            "priorities": Argument(PRIORITIES, priorities, {"with -5e-324": ValueError}),
        },
        replays.state_bytes,
    ),
    "Replay.read_slots": Function(
        replays.filled,
        lambda replay, env, begin, end: replay._core.read_slots(env, begin, end),
        {
            "env": Argument(0, Integer(0, 2, IndexError)),
            "begin": Argument(RINGS[0][0] - 5, Integer(RINGS[0][0] - 30, RINGS[0][0] - 2, IndexError)),
            "end": Argument(RINGS[0][0] - 2, Integer(RINGS[0][0] - 5, RINGS[0][0], IndexError)),
        },
        replays.state_bytes,
    ),
    "Replay.swap_contents": Function(
        replays.filled,
        lambda replay, other: replay._core.swap_contents(other),
        {"other": Argument(replays.filled(5)._core, objects)},
        replays.state_bytes,
    ),
    "Prefetcher.__init__": Function(
        lambda: _core.replay.Prefetcher,
        lambda cls, replay: cls(replay).pending,
        {"replay": Argument(REPLAY._core, objects)},
    ),
    "Prefetcher.pending": Function(prefetcher, lambda made: made.pending),
    "Prefetcher.request": Function(
        prefetcher,
        requested,
        {
            "beta": Argument(0.5, Real(0, 1)),
            "shift": Argument(1, Integer(0, 1)),
            "batch": Argument(tuple(empty_batch(4)), objects),
        },
        lambda made: made.pending,
        lambda made: made.close(),
        ValueError,
    ),
    "Prefetcher.take": Function(
        prefetcher, lambda made: made.take(), {}, id, lambda made: made.close(), ValueError
    ),
    "Prefetcher.close": Function(prefetcher, lambda made: made.close(), {}, id, lambda made: made.close()),
    "Prefetcher.gathered": Function(
        prefetcher, lambda made: made.gathered(), {}, id, lambda made: made.close(), ValueError
    ),
    "Snapshot.__init__": Function(
        lambda: _core.replay.Snapshot,
        lambda cls, replay: cls(replay).state(),
        {"replay": Argument(REPLAY._core, objects)},
    ),
    "Snapshot.read": Function(
        Snapshot,
        lambda made, begin, end: made.core.read(begin, end),
        {"begin": Argument(BOUNDS[0], positions), "end": Argument(BOUNDS[2], positions)},
        Snapshot.state,
        Snapshot.close,
        ValueError,
    ),
    "Snapshot.has": Function(
        Snapshot,
        lambda made, begin: made.core.has(begin),
        {"begin": Argument(BOUNDS[0], positions, ANY_POSITION)},
        Snapshot.state,
        Snapshot.close,
        ValueError,
    ),
    "Snapshot.release": Function(
        Snapshot,
        lambda made, begin: made.core.release(begin),
        {"begin": Argument(BOUNDS[0], positions, ANY_POSITION)},
        lambda made: [made.core.has(bound) for bound in BOUNDS],
        Snapshot.close,
        ValueError,
    ),
    **{
        f"Snapshot.{name}": Function(
            Snapshot, lambda made, name=name: getattr(made.core, name)(), {}, id, Snapshot.close, ValueError
        )
        for name in ("state", "bounds")
    },
    "Snapshot.contents": Function(
        Snapshot, lambda made: made.core.contents, {}, id, Snapshot.close, ValueError
    ),
    "Snapshot.close": Function(Snapshot, lambda made: made.core.close(), {}, id, Snapshot.close),
}
