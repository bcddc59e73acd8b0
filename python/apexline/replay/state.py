"""What a replay holds, taken out and put back, in memory or in a file.

A state is its shape (what another replay must agree in), counters and random streams, the priority of every slot, and
the stored slots lane by lane in time order, in pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from apexline import _core
from apexline.replay import files

PIECE_BYTES = 32 << 20
"""Slots that are copied at once for a file, so that saving and loading need little memory of their own."""

Shape = dict[str, Any]
State = Mapping[str, Any]
Piece = Mapping[str, Any]
"""Slots begin, begin + 1, ... of a lane: their frames, actions, extras and steps as arrays."""


def state_dict(core: _core.replay.Replay, shape: Shape) -> dict[str, Any]:
    """The whole state in one dictionary."""
    state = core.state()
    return {"shape": shape, **state, "slots": list(_pieces(core, shape, state, most=shape["capacity"]))}


def load_state_dict(
    core: _core.replay.Replay, fresh: _core.replay.Replay, shape: Shape, state: State
) -> None:
    """Fills `fresh` and, where it is whole, exchanges its contents for those of `core`.

    Raises:
        ValueError: the state does not fit or is not whole.
    """
    try:
        _fill(fresh, shape, state, state["slots"])
    except (IndexError, KeyError, OverflowError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"the state does not fit this replay: {_reason(error)}") from error
    core.swap_contents(fresh)


def save(core: _core.replay.Replay, shape: Shape, path: Path) -> None:
    """Writes the state to `path`; see `files.write`."""
    state = core.state()
    priorities = state.pop("priorities")

    def sections() -> Iterator[files.Section]:
        yield {"shape": shape, **state}
        yield priorities
        for piece in _pieces(core, shape, state, most=max(1, int(PIECE_BYTES / core.bytes_per_slot))):
            arrays = {name: value for name, value in piece.items() if isinstance(value, np.ndarray)}
            yield {"lane": piece["lane"], "begin": piece["begin"], "arrays": list(arrays)}
            yield from arrays.values()

    files.write(path, sections())


def load(core: _core.replay.Replay, fresh: _core.replay.Replay, shape: Shape, path: Path) -> None:
    """As `load_state_dict`, from a file that `save` wrote.

    Raises:
        DamagedFileError: see `files.read`.
        ValueError: the state does not fit.
        OSError: the file cannot be read.
    """
    sections = files.read(path)

    def values() -> dict[str, Any]:
        section = next(sections)
        if not isinstance(section, dict):
            raise ValueError("an array stands where values should")
        return section

    def pieces() -> Iterator[Piece]:
        for about in sections:
            if not isinstance(about, dict):
                raise ValueError("an array stands where values should")
            yield {**about, **{name: next(sections) for name in about["arrays"]}}

    try:
        _fill(fresh, shape, {**values(), "priorities": next(sections)}, pieces())
    except files.DamagedFileError:
        raise
    except (IndexError, KeyError, OverflowError, RuntimeError, StopIteration, TypeError, ValueError) as error:
        raise ValueError(f"{path}: does not fit this replay: {_reason(error)}") from error
    core.swap_contents(fresh)


def _pieces(core: _core.replay.Replay, shape: Shape, state: State, most: int) -> Iterator[dict[str, Any]]:
    """All stored slots in pieces of at most so many."""
    for lane, (begin, end) in enumerate(_stored(shape, state)):
        for first in range(begin, end, most):
            frames, fields, rewards, in_episode, flags = core.read_slots(lane, first, min(first + most, end))
            yield {
                "lane": lane,
                "begin": first,
                "frames": frames,
                "rewards": rewards,
                "in_episode": in_episode,
                "flags": flags,
                **{_field(i): values for i, values in enumerate(fields)},
            }


def _fill(fresh: _core.replay.Replay, shape: Shape, state: State, pieces: Iterable[Piece]) -> None:
    for name, value in shape.items():
        if state["shape"][name] != value:
            raise ValueError(f"{name} is {state['shape'][name]}; this replay's is {value}")
    fresh.restore({**state, "lanes": [tuple(lane) for lane in state["lanes"]]})
    stored = _stored(shape, state)
    goes_on = [begin for begin, _ in stored]
    for piece in pieces:
        lane, begin = piece["lane"], piece["begin"]
        if begin != goes_on[lane]:
            raise ValueError(f"lane {lane} goes on at {begin}; expected {goes_on[lane]}")
        fresh.write_slots(
            lane,
            begin,
            piece["frames"],
            [piece[_field(i)] for i in range(1 + len(shape["extras"]))],
            piece["rewards"],
            piece["in_episode"],
            piece["flags"],
        )
        goes_on[lane] += len(piece["rewards"])
    for lane, (_, end) in enumerate(stored):
        if goes_on[lane] != end:
            raise ValueError(f"lane {lane} ends at {goes_on[lane]}; expected {end}")
    fresh.check()


def _stored(shape: Shape, state: State) -> list[tuple[int, int]]:
    """Positions [begin, end) that each lane holds."""
    slots = shape["capacity"] // shape["num_envs"]
    return [(max(first, head - slots), head) for head, first, *_ in state["lanes"]]


def _field(number: int) -> str:
    return f"field {number}"


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return str(error) or type(error).__name__
