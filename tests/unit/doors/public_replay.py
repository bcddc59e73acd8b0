"""Functions of `apexline.replay` with their ordinary arguments."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from apexline.replay import IncrementalSaver, PrioritizedFrameReplay, SumTree

from .. import replays
from . import core_replay
from .core_replay import BATCH, COUNTER, FLOAT_MAX, FRAMES, HANDLES, MASK, NOT_FINITE, PRIORITIES, tree_state
from .values import (
    ACCEPTED,
    SAME,
    TRUNCATED,
    Argument,
    Function,
    Integer,
    Real,
    exact,
    flags,
    indices,
    numbers,
    objects,
    outputs,
    paths,
    priorities,
)

FOLDER = Path(tempfile.mkdtemp(prefix="apexline-doors-"))
SAVED = FOLDER / "replay.bin"
replays.filled(9).save(SAVED)
SERIES = FOLDER / "series"
_SAVER = IncrementalSaver(replays.filled(9))
_SAVER.write(_SAVER.snapshot(), SERIES)
STATE = replays.filled(9).state_dict()


def tree() -> SumTree:
    made = SumTree(8, 3)
    made[np.arange(8)] = np.arange(1.0, 9.0)
    return made


def add(replay: Any, frames, actions, rewards, terminated, truncated, finals, mask, log_prob, hidden) -> None:
    extras = {"log_prob": log_prob, "hidden": hidden}
    replay.add(frames, actions, rewards, terminated, truncated, finals, mask, extras)


def sample(replay: Any, batch_size, beta, shift, **arrays) -> Any:
    extras = {name: arrays.pop(name) for name in ("log_prob", "hidden")}
    return replay.sample(batch_size, beta, BATCH._replace(extras=extras, **arrays), shift=shift)


def prefetched(replay: Any, batch_size, depth, beta, shift) -> Any:
    with replay.prefetch(batch_size, depth, beta, shift=shift) as batches:
        return [replays.batch_bytes(next(batches)) for _ in range(3)]


def written(saver: Any, folder: Any) -> None:
    """To a new folder each time."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as parent:
        saver.write(saver.snapshot(), Path(parent) / folder if isinstance(folder, str) and folder else folder)


def close(prefetch: Any) -> None:
    prefetch.close()


def ahead() -> Any:
    """A state with batches."""
    with replays.filled().prefetch(4) as prefetch:
        next(prefetch)
        return prefetch.state_dict()


AHEAD = ahead()


def restored() -> Any:
    prefetch = replays.filled().prefetch(4)
    prefetch.load_state_dict(AHEAD)
    return prefetch


def core_row(name: str, **other: Any) -> Function:
    """As a row of the core, of the replay's own method."""
    return core_replay.FUNCTIONS[name]._replace(**other)


OPTIONS: dict[str, Any] = {
    "capacity": Argument(90, Integer(15, 2**40), {f"of {2**40 + 1}": (ValueError, MemoryError)}),
    "num_envs": Argument(3, Integer(1, 18)),
    "frame_shape": Argument((5, 4), objects, {"a list": TypeError}),
    "action_shape": Argument((2,), objects),
    "frame_dtype": Argument(np.uint8, objects, {"None": ACCEPTED}),
    "action_dtype": Argument(np.float32, objects, {"None": ACCEPTED}),
    "extras": Argument({"x": ((), np.float32)}, objects, {"None": ACCEPTED}),
    "frame_stack": Argument(3, Integer(1, 28)),
    "n_step": Argument(2, Integer(1, 27)),
    "gamma": Argument(0.5, Real(0, 1)),
    "alpha": Argument(0.5, Real(0, 1)),
    "beta": Argument(0.5, Real(0, 1)),
    "epsilon": Argument(0.5, Real(0, FLOAT_MAX, is_open=True)),
    "shift": Argument(1, Integer(0, 2**31 - 1)),
    "seed": Argument(1, COUNTER),
    "num_threads": Argument(1, Integer(1, 1024), {"None": ACCEPTED}),
}
EXTRAS = {
    "log_prob": Argument(np.arange(3, dtype=np.float32), numbers, dict.fromkeys(NOT_FINITE, ACCEPTED)),
    "hidden": Argument(
        np.arange(18, dtype=np.int16).reshape(3, 2, 3), exact, {"of the other byte order": SAME}
    ),
}
INVALID = dict.fromkeys(["bool", "complex", "strings"], ValueError)
FUNCTIONS = {
    "SumTree.__init__": Function(
        lambda: None,
        lambda _, capacity, seed: tree_state(SumTree(capacity, seed)),
        {"capacity": Argument(5, Integer(1, 2**40)), "seed": Argument(3, COUNTER)},
    ),
    "SumTree.capacity": Function(tree, lambda made: made.capacity),
    "PrioritizedFrameReplay.__init__": Function(
        lambda: None, lambda _, **given: replays.state_bytes(PrioritizedFrameReplay(**given)), OPTIONS
    ),
    "PrioritizedFrameReplay.__len__": Function(replays.filled, len),
    **{
        f"PrioritizedFrameReplay.{name}": Function(
            replays.filled, lambda replay, name=name: getattr(replay, name)(), {}, replays.state_bytes
        )
        for name in ("stats", "check", "state_dict")
    },
    "PrioritizedFrameReplay.clear": Function(replays.filled, lambda replay: replay.clear()),
    "PrioritizedFrameReplay.add": Function(
        replays.filled,
        add,
        {
            "frames": Argument(FRAMES, exact),
            "actions": Argument(np.arange(6.0).reshape(3, 2), numbers),
            "rewards": Argument(np.arange(3.0, dtype=np.float32), numbers),
            "terminated": Argument(np.array([False, True, False]), flags),
            "truncated": Argument(np.array([True, False, False]), flags),
            "finals": Argument(FRAMES[::-1].copy(), exact),
            "mask": Argument(MASK, flags),
            **EXTRAS,
        },
        replays.state_bytes,
    ),
    "PrioritizedFrameReplay.cut_episodes": core_row(
        "Replay.cut_episodes", call=lambda replay, mask: replay.cut_episodes(mask)
    ),
    "PrioritizedFrameReplay.empty_batch": Function(
        replays.filled,
        lambda replay, batch_size: [array.shape for array in replay.empty_batch(batch_size)[:-1]],
        {"batch_size": Argument(4, Integer(1, 2**62), {"of 9223372036854775807": (MemoryError, ValueError)})},
    ),
    "PrioritizedFrameReplay.sample": Function(
        replays.filled,
        sample,
        {
            "batch_size": Argument(4, Integer(4, 4)),
            "beta": Argument(0.5, Real(0, 1), {"None": ACCEPTED}),
            "shift": Argument(1, Integer(0, 1), {"None": ACCEPTED}),
            **{name: Argument(getattr(BATCH, name), outputs) for name in BATCH._fields[:-2]},
            "indices": Argument(BATCH.indices, outputs, {"without axes": TypeError, "a list": TypeError}),
            **{name: Argument(array, outputs) for name, array in BATCH.extras.items()},
        },
        replays.state_bytes,
    ),
    "PrioritizedFrameReplay.prefetch": Function(
        replays.filled,
        prefetched,
        {
            "batch_size": Argument(4, Integer(1, 2**62), {f"of {2**63 - 1}": (MemoryError, ValueError)}),
            "depth": Argument(2, Integer(1, 1024)),
            "beta": Argument(0.5, Real(0, 1), {"None": ACCEPTED}),
            "shift": Argument(1, Integer(0, 1), {"None": ACCEPTED}),
        },
        lambda replay: len(replay),
    ),
    "PrioritizedFrameReplay.update_priorities": core_row(
        "Replay.update_priorities",
        call=lambda replay, indices, td_errors: replay.update_priorities(indices, td_errors),
        arguments={
            "indices": Argument(HANDLES, indices),
            "td_errors": Argument(np.array([1.0, -2.0, 0.0, 3.0]), numbers),
        },
    ),
    "PrioritizedFrameReplay.beta": Function(
        replays.filled,
        lambda replay, beta: setattr(replay, "beta", beta),
        {"beta": Argument(0.5, Real(0, 1))},
        lambda replay: replay.beta,
    ),
    "PrioritizedFrameReplay.load_state_dict": Function(
        replays.filled,
        lambda replay, **changes: replay.load_state_dict({**STATE, **changes}),
        {
            **{name: Argument(5, COUNTER, TRUNCATED) for name in ("seed", "draws", "batches")},
            "stale_updates": Argument(5, Integer(0, 2**63 - 1), TRUNCATED),
            "max_priority": Argument(50.0, Real(PRIORITIES.max(), 1e290)),
            **{name: Argument(STATE[name], objects) for name in ("shape", "rings", "slots")},
            "priorities": Argument(STATE["priorities"], priorities, INVALID),
        },
        replays.state_bytes,
    ),
    "PrioritizedFrameReplay.save": Function(
        replays.filled,
        lambda replay, path: replay.save(path),
        {"path": Argument(FOLDER / "again.bin", paths)},
        replays.state_bytes,
    ),
    "PrioritizedFrameReplay.load": Function(
        replays.filled,
        lambda replay, path: replay.load(path),
        {"path": Argument(SAVED, paths)},
        replays.state_bytes,
    ),
    "IncrementalSaver.__init__": Function(
        lambda: None,
        lambda _, replay: repr(IncrementalSaver(replay)),
        {"replay": Argument(replays.filled(9), objects)},
    ),
    "IncrementalSaver.snapshot": Function(
        lambda: IncrementalSaver(replays.filled(9)), lambda saver: saver.snapshot().close()
    ),
    "IncrementalSaver.write": Function(
        lambda: IncrementalSaver(replays.filled(9)),
        written,
        {"folder": Argument("folder", objects, {"a string": ACCEPTED})},
    ),
    "IncrementalSaver.load": Function(
        lambda: IncrementalSaver(replays.filled()),
        lambda saver, folder: saver.load(folder),
        {"folder": Argument(SERIES, paths)},
        lambda saver: saver._core.num_eligible,
    ),
    "ReplaySnapshot.__init__": Function(
        lambda: None, lambda _: IncrementalSaver(replays.filled(9)).snapshot().close()
    ),
    "ReplaySnapshot.close": Function(
        lambda: IncrementalSaver(replays.filled(9)).snapshot(), lambda snapshot: snapshot.close()
    ),
    "Prefetch.__init__": Function(replays.filled, lambda replay: replay.prefetch(4).close()),
    "Prefetch.__next__": Function(
        lambda: replays.filled().prefetch(4),
        lambda prefetch: replays.batch_bytes(next(prefetch)),
        {},
        id,
        lambda prefetch: prefetch.close(),
        StopIteration,
    ),
    "Prefetch.close": Function(
        lambda: replays.filled().prefetch(4),
        lambda prefetch: prefetch.close(),
        {},
        id,
        lambda prefetch: prefetch.close(),
    ),
    **{
        f"Prefetch.{name}": Function(
            lambda: replays.filled().prefetch(4),
            lambda prefetch, value, name=name: (setattr(prefetch, name, value), next(prefetch)),
            {"value": Argument(ordinary, cases)},
        )
        for name, ordinary, cases in (("beta", 0.5, Real(0, 1)), ("shift", 1, Integer(0, 1)))
    },
    "Prefetch.state_dict": Function(
        lambda: replays.filled().prefetch(4),
        lambda prefetch: prefetch.state_dict(),
        {},
        id,
        close,
        ValueError,
    ),
    "Prefetch.take_restored": Function(
        restored, lambda prefetch: replays.batch_bytes(prefetch.take_restored()), {}, id, close, IndexError
    ),
    "Prefetch.load_state_dict": Function(
        lambda: replays.filled().prefetch(4),
        lambda prefetch, **changes: prefetch.load_state_dict({**AHEAD, **changes}),
        {
            "beta": Argument(0.5, Real(0, 1)),
            "shift": Argument(1, Integer(0, 2**31 - 1)),
            "batches": Argument(AHEAD["batches"], objects),
        },
        lambda prefetch: prefetch.beta,
        close,
        ValueError,
    ),
    "PrioritizedFrameReplay.__getstate__": Function(
        replays.filled, lambda replay: replays.state_bytes(pickle.loads(pickle.dumps(replay)))
    ),
    "PrioritizedFrameReplay.__setstate__": Function(
        lambda: PrioritizedFrameReplay.__new__(PrioritizedFrameReplay),
        lambda replay, pickled: replay.__setstate__(pickled),
        {"pickled": Argument(replays.filled(9).__getstate__(), objects)},
    ),
    "Batch.pickle": Function(lambda: BATCH, lambda batch: pickle.loads(pickle.dumps(batch)).reward),
}
