"""Saves and restores the contents of a replay, in memory or in a file.

A state is its shape (the settings in which another replay must agree), counters, random streams, the priority of every
slot, and the stored slots of each environment's ring buffer in time order, in pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from apexline import _core
from apexline.replay import files
from apexline.replay.settings import Settings

PIECE_BYTES = 32 << 20
"""Bytes of slots that are copied at once for a file; bounds the memory that saving and loading take."""

INVALID = (IndexError, KeyError, OverflowError, RuntimeError, StopIteration, TypeError, ValueError)
"""What an invalid state makes the functions here and the core raise."""

Shape = dict[str, Any]
State = Mapping[str, Any]
Piece = Mapping[str, Any]
"""Slots begin, begin + 1, ... of environment `env`: their frames, actions, extras and steps as arrays."""


def state_dict(core: _core.replay.Replay, settings: Settings) -> dict[str, Any]:
    """The whole state in one dictionary."""
    shape, state = shape_of(core, settings), core.state()
    return {"shape": shape, **state, "slots": list(_pieces(core, shape, state, max_slots=core.capacity))}


def load_state_dict(core: _core.replay.Replay, settings: Settings, state: State) -> None:
    """Replaces the contents of `core`, or leaves them unchanged if the state is invalid.

    Raises:
        ValueError: the state is of a replay of another shape, or invalid.
    """
    fresh = settings.make_core()
    try:
        fill(fresh, shape_of(core, settings), state, state["slots"])
    except INVALID as error:
        raise ValueError(f"invalid replay state: {reason(error)}") from error
    core.swap_contents(fresh)


def save(core: _core.replay.Replay, settings: Settings, path: Path) -> None:
    """Writes the state to `path`; see `files.write`."""
    shape, state = shape_of(core, settings), core.state()
    priorities = state.pop("priorities")

    def sections() -> Iterator[files.Section]:
        yield {"shape": shape, **state}
        yield priorities
        for piece in _pieces(core, shape, state, max_slots=max(1, int(PIECE_BYTES / core.bytes_per_slot))):
            arrays = {name: value for name, value in piece.items() if isinstance(value, np.ndarray)}
            yield {"env": piece["env"], "begin": piece["begin"], "arrays": list(arrays)}
            yield from arrays.values()

    files.write(path, sections())


def load(core: _core.replay.Replay, settings: Settings, path: Path) -> None:
    """As `load_state_dict`, from a file that `save` wrote.

    Raises:
        DamagedFileError: see `files.read`.
        ValueError: the state is of a replay of another shape, or invalid.
        OSError: the file cannot be read.
    """
    sections = files.read(path)
    fresh = settings.make_core()
    try:
        values = values_of(next(sections))
        state = {**values, "priorities": next(sections)}
        fill(fresh, shape_of(core, settings), state, _read_pieces(sections))
    except files.DamagedFileError:
        raise
    except INVALID as error:
        raise ValueError(f"{path}: invalid replay state: {reason(error)}") from error
    core.swap_contents(fresh)


def shape_of(core: _core.replay.Replay, settings: Settings) -> Shape:
    """The settings in which a state must agree, as plain values."""
    return {
        "capacity": core.capacity,
        "num_envs": settings.num_envs,
        "frame_shape": list(settings.frame_shape),
        "frame_dtype": settings.frame_dtype.name,
        "action_shape": list(settings.action_shape),
        "action_dtype": settings.action_dtype.name,
        "extras": [[name, list(field.shape), field.dtype.name] for name, field in settings.extras.items()],
        "frame_stack": settings.frame_stack,
        "n_step": settings.n_step,
    }


def _pieces(
    core: _core.replay.Replay, shape: Shape, state: State, max_slots: int
) -> Iterator[dict[str, Any]]:
    """All stored slots, in pieces of at most `max_slots`."""
    for env, (begin, end) in enumerate(stored(shape, state)):
        for first in range(begin, end, max_slots):
            frames, fields, rewards, in_episode, flags = core.read_slots(
                env, first, min(first + max_slots, end)
            )
            yield {
                "env": env,
                "begin": first,
                "frames": frames,
                "rewards": rewards,
                "in_episode": in_episode,
                "flags": flags,
                **{field_name(i): values for i, values in enumerate(fields)},
            }


def _read_pieces(sections: Iterator[files.Section]) -> Iterator[Piece]:
    for section in sections:
        about = values_of(section)
        yield {**about, **{name: next(sections) for name in about["arrays"]}}


def values_of(section: files.Section) -> dict[str, Any]:
    """A section that is no array.

    Raises:
        ValueError: it is one.
    """
    if not isinstance(section, dict):
        raise ValueError("found an array; expected values")
    return section


def fill(fresh: _core.replay.Replay, shape: Shape, state: State, pieces: Iterable[Piece]) -> None:
    """Restores a new replay from a state and all of its slots, those of each environment in order.

    Raises:
        One of `INVALID`: the state is of a replay of another shape, or invalid.
    """
    for name, value in shape.items():
        if state["shape"][name] != value:
            raise ValueError(f"{name} is {state['shape'][name]}; expected {value}, as in this replay")
    fresh.restore({**state, "rings": [tuple(counters) for counters in state["rings"]]})
    bounds = stored(shape, state)
    expected = [begin for begin, _ in bounds]
    for piece in pieces:
        env, begin = piece["env"], piece["begin"]
        if begin != expected[env]:
            raise ValueError(f"the slots of environment {env} continue at {begin}; expected {expected[env]}")
        fresh.write_slots(
            env,
            begin,
            piece["frames"],
            [piece[field_name(i)] for i in range(1 + len(shape["extras"]))],
            piece["rewards"],
            piece["in_episode"],
            piece["flags"],
        )
        expected[env] += len(piece["rewards"])
    for env, (_, end) in enumerate(bounds):
        if expected[env] != end:
            raise ValueError(f"the slots of environment {env} end at {expected[env]}; expected {end}")
    fresh.check()


def stored(shape: Shape, state: State) -> list[tuple[int, int]]:
    """Positions [begin, end) that each environment's ring buffer holds."""
    slots = shape["capacity"] // shape["num_envs"]
    return [(max(first, head - slots), head) for head, first, *_ in state["rings"]]


def field_name(number: int) -> str:
    """The name, in a piece, of the action (0) or an extra field."""
    return f"field {number}"


def reason(error: BaseException) -> str:
    """The message of an error in `INVALID`."""
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return str(error) or type(error).__name__
