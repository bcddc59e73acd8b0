"""Saves a replay again and again, each time only what is new, while it is in use."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from apexline import _core
from apexline.atomic_write import sync_folder
from apexline.replay import files
from apexline.replay.prioritized import PrioritizedFrameReplay
from apexline.replay.segments import (
    INDEX,
    SEGMENT_BYTES,
    Bounds,
    Folder,
    Positions,
    Segment,
    array_of,
    divide,
    read_segment,
    read_slots,
    reusable,
    segment_name,
    slot_sections,
    write_segment,
)
from apexline.replay.state import INVALID, Piece, Shape, fill, reason, shape_of, values_of


class ReplaySnapshot:
    """The state of a replay at one moment, to be written by `IncrementalSaver.write`.

    Made by `IncrementalSaver.snapshot`. Until it is written, closed or deleted, the replay keeps the slots of that
    moment: an `add` that would overwrite one that is still to be written waits. So the thread that adds must leave
    writing to another thread, or write or close the snapshot before it adds more.
    """

    __slots__ = ("__weakref__", "_bounds", "_core", "_replay")

    def __init__(self, replay: _core.replay.Replay) -> None:
        self._replay = replay
        self._core = _core.replay.Snapshot(replay)
        self._bounds = Bounds(*self._core.bounds())

    def close(self) -> None:
        """Releases all slots. May be called again."""
        self._core.close()

    def __enter__(self) -> ReplaySnapshot:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<ReplaySnapshot of {int((self._bounds.end - self._bounds.first).sum())} slots>"


@dataclass(frozen=True, slots=True, eq=False)
class _Saved:
    """A folder that was written or loaded."""

    folder: Folder
    contents: int
    """Number of the replay's contents, which changes when they are replaced by a load."""
    segments: tuple[Segment, ...]


class IncrementalSaver:
    """Saves a replay to a series of folders, each complete, of which only the new slots are written.

    ::

        saver = IncrementalSaver(replay)
        snapshot = saver.snapshot()  # in the thread that adds
        saver.write(snapshot, folder)  # in any thread, while the replay is in use

    Slots that are in the folder written or loaded last are hard-linked from there. A folder may be renamed, moved
    within its file system, or deleted: the others remain complete. Its files must not be changed, because folders share
    them. A folder that has no `index` was not finished.

    The series starts again with a complete folder after the replay's contents were replaced by another `load` or by
    `load_state_dict`, and if the folder written last no longer exists.

    Args:
        replay: the replay to save.
    """

    __slots__ = ("__weakref__", "_calls", "_core", "_saved", "_settings", "_writing")

    _KEPT = 2
    """Folders to link from. The one before the last is used if the last ones were deleted, after failed checkpoints."""

    def __init__(self, replay: PrioritizedFrameReplay) -> None:
        self._core = replay._core
        self._settings = replay._settings
        self._saved: list[_Saved] = []
        self._calls = threading.Lock()
        self._writing = threading.Lock()

    def snapshot(self) -> ReplaySnapshot:
        """The state of this moment.

        Takes time for the counters and priorities only; slots are copied when they are written.
        """
        taken = ReplaySnapshot(self._core)
        newest = next(self._candidates(taken), None)
        if newest is not None:
            taken._core.release(reusable(newest.segments, taken._bounds)[1])
        return taken

    def write(self, snapshot: ReplaySnapshot, folder: str | os.PathLike[str]) -> None:
        """Writes a snapshot and closes it. Files are synchronized to disk, the `index` last.

        Args:
            snapshot: of this saver's replay; calls with several of them run one at a time.
            folder: a new or empty folder; it is made.

        Raises:
            OSError: a file cannot be written, the folder is not empty, or the folder to link from was deleted. What
                was written is removed; earlier folders are unchanged.
            RuntimeError: the contents of the replay were replaced since the snapshot.
            ValueError: the snapshot is closed or of another replay.
        """
        folder = Path(folder)
        with snapshot, self._writing:
            if snapshot._replay is not self._core:
                raise ValueError("snapshot is of another replay; expected one of this saver")
            contents = snapshot._core.contents
            base, begin = self._base(snapshot)
            made = _make_empty(folder)
            try:
                segments = self._write_files(snapshot, folder, base, begin)
                saved = _Saved(Folder(folder), contents, tuple(segments))
            except BaseException:
                _remove(folder, made)
                raise
            with self._calls:
                kept = [earlier for earlier in self._saved if earlier.folder.exists]
                self._saved = [*kept, saved][-self._KEPT :]

    def load(self, folder: str | os.PathLike[str]) -> None:
        """Replaces the replay's contents by those of a folder, from which the series continues.

        As `PrioritizedFrameReplay.load`: executes no code from the files and needs memory for both contents.

        Raises:
            DamagedFileError: a file is missing, truncated, corrupt, of another version or of another folder.
            ValueError: the folder is of a replay of another shape.
            OSError: a file cannot be read. In each case nothing changes.
        """
        folder = Path(folder)
        source = Folder(folder)
        fresh = self._settings.make_core()
        segments: list[Segment] = []
        try:
            _fill(fresh, shape_of(self._core, self._settings), folder, segments)
        except files.DamagedFileError:
            raise
        except INVALID as error:
            raise ValueError(f"{folder}: invalid replay state: {reason(error)}") from error
        with self._writing:
            contents = self._core.swap_contents(fresh)
            with self._calls:
                self._saved = [_Saved(source, contents, tuple(segments))]

    def __repr__(self) -> str:
        return f"<IncrementalSaver: {len(self._saved[-1].segments) if self._saved else 0} segments written>"

    def _candidates(self, snapshot: ReplaySnapshot) -> Iterator[_Saved]:
        """Folders with slots of the snapshot, the newest first."""
        with self._calls:
            saved = list(self._saved)
        for one in reversed(saved):
            if one.contents == snapshot._core.contents and one.folder.exists:
                yield one

    def _base(self, snapshot: ReplaySnapshot) -> tuple[list[tuple[Folder, Segment]], Positions]:
        """Segments to link, and the positions to write from."""
        core, bounds = snapshot._core, snapshot._bounds
        for saved in self._candidates(snapshot):
            segments, begin = reusable(saved.segments, bounds)
            if core.has(begin):
                core.release(begin)
                return [(saved.folder, segment) for segment in segments], begin
        if not core.has(bounds.first):
            raise FileNotFoundError(
                "the folder that was written last no longer exists; expected it for links"
            )
        return [], bounds.first

    def _write_files(
        self, snapshot: ReplaySnapshot, folder: Path, base: list[tuple[Folder, Segment]], begin: Positions
    ) -> list[Segment]:
        core, bounds = snapshot._core, snapshot._bounds
        bytes_per_slot = self._core.bytes_per_slot
        segments = []
        for source, segment in base:
            source.link(segment.name, folder)
            segments.append(segment)
        number = segments[-1].number + 1 if segments else 0
        places = divide(begin, bounds.last_two, bytes_per_slot, SEGMENT_BYTES)
        for first, after in pairwise(places):
            if (first < after).any():
                path = folder / segment_name(number)
                segments.append(write_segment(path, number, core, first, after, bytes_per_slot))
                number += 1
        state = core.state()
        rings, priorities = state.pop("rings"), state.pop("priorities")

        def sections() -> Iterator[files.Section]:
            yield {"shape": shape_of(self._core, self._settings), **state}
            yield np.array(rings, np.int64)
            yield priorities
            yield np.array([[s.number, s.checksum, s.nbytes] for s in segments], np.int64).reshape(-1, 3)
            yield from slot_sections(core, bounds.last_two, bounds.end)

        files.write(folder / INDEX, sections())
        sync_folder(folder.parent)
        return segments


def _make_empty(folder: Path) -> bool:
    """Makes a folder; returns whether it is new."""
    if not folder.exists():
        folder.mkdir(parents=True)
        return True
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty; expected a new or empty folder")
    return False


def _remove(folder: Path, made: bool) -> None:
    """Removes the files in a folder that could not be finished, and the folder if it was made for them."""
    with suppress(OSError):
        for path in folder.iterdir():
            path.unlink()
        if made:
            folder.rmdir()


def _fill(fresh: _core.replay.Replay, shape: Shape, folder: Path, segments: list[Segment]) -> None:
    """Restores a new replay from a folder; appends its segments."""
    try:
        sections = files.read(folder / INDEX)
        values = values_of(next(sections))
    except FileNotFoundError:
        raise files.DamagedFileError(f"{folder / INDEX}: missing; the folder was not finished") from None
    num_envs, num_fields = shape["num_envs"], 1 + len(shape["extras"])
    rings = array_of(next(sections), (num_envs, 5)).tolist()
    state: dict[str, Any] = {**values, "rings": rings, "priorities": next(sections)}
    numbers = array_of(next(sections), (-1, 3)).tolist()
    slots = shape["capacity"] // num_envs
    first = np.array([max(first, head - slots) for head, first, *_ in rings], np.int64)
    ends = first.copy()

    def pieces() -> Iterator[Piece]:
        for number, checksum, nbytes in numbers:
            begins = ends.copy()
            path = folder / segment_name(number)
            for piece in read_segment(path, number, checksum, num_fields, first):
                yield piece
                ends[piece["env"]] += len(piece["rewards"])
            segments.append(Segment(number, checksum, nbytes, begins, ends.copy()))
        yield from read_slots(next(sections), sections, num_fields, first)
        if next(sections, None) is not None:
            raise ValueError("found another section; expected the end of the index")

    fill(fresh, shape, state, pieces())
