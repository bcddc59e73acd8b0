"""Files of an incrementally saved replay, and which of them the next folder uses again.

A folder holds segment files and an `index`. A segment has consecutive slots of every environment, which cannot change
any more. The index has everything else: counters, priorities, the last two slots of every environment, which
`cut_episodes` may still change, and the numbers and checksums of the segments. Both are files of
`apexline.replay.files`.

    segment   {"segment": number}, then slots in pieces
    index     {"shape": ..., counters}, `rings`, `priorities`, `segments`, then the last slots as one piece
    piece     `ranges` (num_envs, 2): first position and end of each environment; then arrays of the slots of all of
              them, environment by environment: frames, actions, extras, rewards, steps since the episode's start, flags
"""

from __future__ import annotations

import os
import shutil
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apexline import _core
from apexline.replay import files
from apexline.replay.state import Piece, field_name

INDEX = "index"
SMALL_BYTES = 4 << 20
"""The last segment is written again, together with the slots that follow, if it is smaller: bounds their number."""
SEGMENT_BYTES = 64 << 20
"""Size of a segment; longer series of slots are divided. A segment is kept until its last slot is overwritten."""
PIECE_BYTES = 8 << 20
"""Bytes of slots that are copied at once, while an `add` that would overwrite them waits."""

Positions = NDArray[np.int64]
"""A position of each environment, `(num_envs,)`."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One segment file."""

    number: int
    checksum: int
    nbytes: int
    begin: Positions
    end: Positions

    @property
    def name(self) -> str:
        """Name of the file."""
        return segment_name(self.number)


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """Positions of the slots of a snapshot: the first one, the first of the last two, and the end."""

    first: Positions
    last_two: Positions
    end: Positions


def segment_name(number: int) -> str:
    """Name of a segment file."""
    return f"segment-{number:08}"


def reusable(segments: Sequence[Segment], bounds: Bounds) -> tuple[list[Segment], Positions]:
    """The segments of an earlier folder that a snapshot can use, and the positions from which it must be written."""
    chosen: list[Segment] = []
    ends = [bounds.first]
    for segment in segments:
        if (segment.end <= bounds.first).all():
            continue  # all of its slots were overwritten
        next_end = np.maximum(ends[-1], segment.end)
        if (segment.begin > ends[-1]).any() or (next_end > bounds.last_two).any():
            break
        chosen.append(segment)
        ends.append(next_end)
    while chosen and chosen[-1].nbytes < SMALL_BYTES:
        chosen.pop()
        ends.pop()
    return chosen, ends[-1]


def divide(begin: Positions, end: Positions, bytes_per_slot: float, nbytes: int) -> list[Positions]:
    """Positions begin, ..., end that divide these slots into parts of about `nbytes`, equally in every environment."""
    counts = end - begin
    parts = max(1, min(int(np.ceil(counts.sum() * bytes_per_slot / nbytes)), int(counts.max())))
    return [begin + counts * part // parts for part in range(parts + 1)]


def write_segment(
    path: Path,
    number: int,
    core: _core.replay.Snapshot,
    begin: Positions,
    end: Positions,
    bytes_per_slot: float,
) -> Segment:
    """Writes slots of a snapshot to a new file and releases them, piece by piece.

    Raises:
        OSError: the file cannot be written.
        RuntimeError, IndexError, ValueError: the snapshot no longer has the slots.
    """

    def sections() -> Iterator[files.Section]:
        yield {"segment": number}
        places = divide(begin, end, bytes_per_slot, PIECE_BYTES)
        for first, after in pairwise(places):
            piece = list(slot_sections(core, first, after))
            core.release(after)
            yield from piece

    checksum = files.write(path, sections())
    return Segment(number, checksum, path.stat().st_size, begin, end)


def slot_sections(core: _core.replay.Snapshot, begin: Positions, end: Positions) -> Iterator[files.Section]:
    """The sections of one piece."""
    frames, fields, rewards, in_episode, flags = core.read(begin, end)
    yield from [np.stack([begin, end], axis=1), frames, *fields, rewards, in_episode, flags]


def read_segment(
    path: Path, number: int, checksum: int, num_fields: int, first: Positions
) -> Iterator[Piece]:
    """Yields the slots of a segment file from the positions `first` on.

    Raises:
        DamagedFileError: the file is missing, damaged or another one than the index names.
        ValueError: its contents are invalid.
        OSError: it cannot be read.
    """
    try:
        sections = files.read(path, checksum)
        about = next(sections)
        if about != {"segment": number}:
            raise ValueError(f"{path} is {about}; expected segment {number}")
        for ranges in sections:
            yield from read_slots(ranges, sections, num_fields, first)
    except FileNotFoundError:
        raise files.DamagedFileError(f"{path}: missing; the index names it") from None


def read_slots(
    ranges: files.Section, sections: Iterator[files.Section], num_fields: int, first: Positions
) -> Iterator[Piece]:
    """Yields the slots of one piece from the positions `first` on, environment by environment.

    Raises:
        ValueError, StopIteration: the sections are not those of a piece.
    """
    ranges = array_of(ranges, (len(first), 2))
    frames, *fields = (next(sections) for _ in range(1 + num_fields))
    rewards, in_episode, flags = (next(sections) for _ in range(3))
    arrays: dict[str, Any] = {
        "frames": frames,
        "rewards": rewards,
        "in_episode": in_episode,
        "flags": flags,
        **{field_name(i): values for i, values in enumerate(fields)},
    }
    row = 0
    for env, ((begin, end), first_stored) in enumerate(zip(ranges.tolist(), first.tolist(), strict=True)):
        kept = min(max(begin, first_stored), end)
        if begin < 0 or begin > end:
            raise ValueError(f"the slots of environment {env} are from {begin} to {end}; expected an order")
        begin_row, row = row + kept - begin, row + end - begin
        if kept < end:
            yield {"env": env, "begin": kept} | {
                name: values[begin_row:row] for name, values in arrays.items()
            }
    if row != len(rewards):
        raise ValueError(f"a piece has {len(rewards)} slots; expected {row}")


def array_of(section: files.Section, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """A section that is an int64 array; -1 stands for any extent.

    Raises:
        ValueError: it is none, or of another shape.
    """
    if isinstance(section, dict) or section.dtype != np.int64 or len(section.shape) != len(shape):
        raise ValueError(f"found another section; expected an int64 array of shape {shape}")
    if any(expected not in (-1, found) for expected, found in zip(shape, section.shape, strict=True)):
        raise ValueError(f"an array has shape {section.shape}; expected {shape}")
    return section


class Folder:
    """A written folder whose files can be linked, also after it was renamed where the system permits that.

    Args:
        path: an existing folder.

    Raises:
        OSError: it cannot be opened.
    """

    _KEEPS_OPEN = {os.link, os.open, os.stat} <= os.supports_dir_fd and hasattr(os, "O_DIRECTORY")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        if self._KEEPS_OPEN:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            weakref.finalize(self, os.close, self._descriptor)

    @property
    def exists(self) -> bool:
        """Whether the folder has its index."""
        try:
            os.stat(self._place(INDEX), dir_fd=self._descriptor)
        except OSError:
            return False
        return True

    def link(self, name: str, folder: Path) -> None:
        """Links a file into another folder, or copies it where links are impossible.

        Raises:
            OSError: the file is gone, or the copy cannot be written.
        """
        target = folder / name
        try:
            os.link(self._place(name), target, src_dir_fd=self._descriptor)
        except FileNotFoundError:
            raise
        except OSError:
            self._copy(name, target)

    def _copy(self, name: str, target: Path) -> None:
        source = os.open(self._place(name), os.O_RDONLY | getattr(os, "O_BINARY", 0), dir_fd=self._descriptor)
        with os.fdopen(source, "rb") as old, target.open("xb") as new:
            shutil.copyfileobj(old, new, 1 << 20)
            new.flush()
            os.fsync(new.fileno())

    def _place(self, name: str) -> str | Path:
        return self._path / name if self._descriptor is None else name
