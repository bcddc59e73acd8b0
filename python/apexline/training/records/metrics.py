"""Metrics of a run: one row a time in metrics.csv, the same values in TensorBoard."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

COLUMNS = (
    "time/seconds",
    "charts/steps",
    "charts/frames",
    "charts/episodes",
    "charts/updates",
    "charts/score",
    "charts/score_best",
    "charts/tiles",
    "charts/frames_per_second",
    "charts/updates_per_second",
    "charts/noise",
    "charts/q",
    "charts/target",
    "charts/td_abs",
    "charts/action_saturation",
    "losses/critic",
    "losses/actor",
    "replay/size",
    "replay/max_priority",
    "replay/stale",
    "eval/score",
    "eval/score_min",
    "eval/score_max",
)
"""Every metric; those in TensorBoard carry the same names."""


class MetricsWriter:
    """Appends rows to `folder`/metrics.csv and to TensorBoard files beside it.

    A resumed run goes on in the same file.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "metrics.csv"
        fresh = not path.exists()
        self._file = path.open("a", newline="", encoding="utf-8")
        self._rows = csv.DictWriter(self._file, COLUMNS)
        if fresh:
            self._rows.writeheader()
        self._board = SummaryWriter(str(folder))

    def write(self, values: Mapping[str, float]) -> None:
        """One row; columns without a value stay empty.

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
        """Flushes and closes both."""
        self._file.close()
        self._board.close()
