"""Metrics of a run: one row a time in metrics.csv, the same values in TensorBoard."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from apexline.atomic_write import atomic_write
from apexline.training.records.metrics_file import COLUMNS, METRICS, whole_rows


class MetricsWriter:
    """Appends rows to `folder`/metrics.csv and to TensorBoard files in `folder`; a resumed run appends to them.

    An incomplete last row, which a power failure may leave, is removed first.

    Raises:
        InputError: metrics.csv cannot be continued; see `whole_rows`.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / METRICS
        rows = whole_rows(path)
        with atomic_write(path) as file:
            file.write(rows)
        self._file = path.open("a", newline="", encoding="utf-8")
        self._rows = csv.DictWriter(self._file, COLUMNS)
        if not rows:
            self._rows.writeheader()
        self._board = SummaryWriter(str(folder))

    def write(self, values: Mapping[str, float]) -> None:
        """Append a row with `values`, which include `charts/steps`; other columns stay empty.

        Raises:
            ValueError: a name is not in COLUMNS.
        """
        self._rows.writerow(
            {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in values.items()}
        )
        self._file.flush()
        step = int(values["charts/steps"])
        for name, value in values.items():
            self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush and close the files."""
        self._file.close()
        self._board.close()
