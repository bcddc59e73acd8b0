"""Metrics of a run: one row a time in metrics.csv, the same values in TensorBoard."""

from __future__ import annotations

import csv
import io
import stat
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from apexline.training.errors import InputError
from apexline.training.records.append_file import AppendFile
from apexline.training.records.event_file import event_files, first_record, new_event_file, scalars_record
from apexline.training.records.metrics_file import COLUMNS, METRICS, whole_rows


def _warn(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=4)


class MetricsWriter:
    """Appends rows to `folder`/metrics.csv and to a TensorBoard file in `folder`.

    While a file cannot be written (full disk, folder deleted or read-only), rows are kept in memory; every further row
    tries again. `warn` is called once when this begins and once when it ends.

    Args:
        folder: the run folder.
        warn: called with each line about files that cannot be written.
        state: of the run that is resumed, as `state_dict` returned it. Files are cut back to their sizes at that time,
            and later ones are removed, so that steps never go backwards. None: a new run; rows of an earlier one are
            removed.

    Raises:
        InputError: metrics.csv cannot be continued; see `whole_rows`.
        OSError: a file cannot be cut or removed.
    """

    def __init__(
        self, folder: Path, warn: Callable[[str], None] = _warn, state: Mapping[str, Any] | None = None
    ) -> None:
        sizes: Mapping[str, int] = {} if state is None else state["sizes"]
        pending: Mapping[str, str] = {} if state is None else state["pending"]
        self._warn = warn
        self._failing = False
        path = folder / METRICS
        rows = whole_rows(path)[: sizes.get(METRICS, 0)]
        self._table = AppendFile(path, rows.rfind(b"\n") + 1)
        if not self._table.size:
            self._table.add(",".join(COLUMNS).encode() + b"\r\n")
        self._earlier = _cut_event_files(folder, sizes)
        self._events = AppendFile(new_event_file(folder))
        self._events.add(first_record())
        for file in self._files:
            file.add(pending.get(_kind(file), "").encode("latin-1"))
        self._flush()

    @property
    def _files(self) -> tuple[AppendFile, AppendFile]:
        return self._table, self._events

    def write(self, values: Mapping[str, float]) -> None:
        """Append a row with `values`, which include `charts/steps`; other columns stay empty.

        Raises:
            ValueError: a name is not in COLUMNS.
        """
        text = io.StringIO(newline="")
        csv.DictWriter(text, COLUMNS).writerow(
            {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in values.items()}
        )
        self._table.add(text.getvalue().encode())
        self._events.add(scalars_record(values, int(values["charts/steps"])))
        self._flush()

    def state_dict(self) -> dict[str, Any]:
        """Sizes in bytes of the files, whose contents are synchronized to disk, and rows that could not be written."""
        self._flush(sync=True)
        sizes = self._earlier | {file.path.name: file.size for file in self._files}
        pending = {_kind(file): file.pending.decode("latin-1") for file in self._files if file.pending}
        return {"sizes": sizes, "pending": pending}

    def close(self) -> None:
        """Write what could not be written before, if possible, and close the files."""
        self._flush()
        if rows := self._table.pending.count(b"\n"):
            self._warn(f"{self._table.path}: not written and lost: {rows} {'line' if rows == 1 else 'lines'}")
        for file in self._files:
            file.close()

    def _flush(self, *, sync: bool = False) -> None:
        failure = ""
        for file in self._files:
            try:
                file.flush()
                if sync:
                    file.sync()
            except OSError as error:
                failure = failure or f"{file.path}: {error.strerror}"
        if failure and not self._failing:
            self._warn(f"{failure}; metrics are kept in memory until they can be written")
        elif self._failing and not failure:
            self._warn(f"{self._table.path}: metrics are written again")
        self._failing = bool(failure)


def _kind(file: AppendFile) -> str:
    return METRICS if file.path.name == METRICS else "events"


def _cut_event_files(folder: Path, sizes: Mapping[str, int]) -> dict[str, int]:
    """Cuts the event files in `folder` to `sizes` and removes those without a size; returns the sizes of the others."""
    kept: dict[str, int] = {}
    for path in event_files(folder):
        size = sizes.get(path.name, 0)
        if not size:
            path.unlink()
        elif stat.S_ISREG((about := path.lstat()).st_mode):
            kept[path.name] = min(size, about.st_size)
            AppendFile(path, kept[path.name]).close()
        else:
            raise InputError(f"{path}: expected a regular file")
    return kept
