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
    "charts/episodic_return",
    "charts/episodic_return_max",
    "charts/tiles_visited",
    "charts/SPS",
    "charts/frames_per_second",
    "charts/updates_per_second",
    "charts/noise_sigma",
    "losses/q_values",
    "losses/target_q",
    "losses/td_error_abs",
    "charts/action_saturation",
    "losses/critic",
    "losses/actor",
    "replay/size",
    "replay/max_priority",
    "replay/stale_updates",
    "eval/episodic_return",
    "eval/episodic_return_min",
    "eval/episodic_return_max",
)
"""Every metric of metrics.csv and TensorBoard, whose x axis is `charts/steps`; `charts/SPS` are steps per second."""


class MetricsWriter:
    """Appends rows to `folder`/metrics.csv and to TensorBoard files in `folder`; a resumed run appends to them."""

    def __init__(self, folder: Path) -> None:
        path = folder / "metrics.csv"
        fresh = not path.exists()
        self._file = path.open("a", newline="", encoding="utf-8")
        self._rows = csv.DictWriter(self._file, COLUMNS)
        if fresh:
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
