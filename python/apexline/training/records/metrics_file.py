"""The file metrics.csv: its columns, and whether a resumed run can append to it."""

from __future__ import annotations

import stat
from pathlib import Path

from apexline.training.errors import InputError

METRICS = "metrics.csv"

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
    "faults/skipped_updates",
    "faults/dropped_steps",
    "faults/worker_restarts",
    "faults/evaluation_restarts",
    "faults/skipped_evaluations",
    "faults/failed_saves",
    "eval/episodic_return",
    "eval/episodic_return_min",
    "eval/episodic_return_max",
)
"""Every metric of metrics.csv and TensorBoard, whose x axis is `charts/steps`; `charts/SPS` are steps per second."""


def whole_rows(path: Path) -> bytes:
    """The header and the rows of metrics.csv, empty if there is no such file or its header is incomplete.

    A power failure may leave the last row incomplete, without its newline or with bytes of value 0; it is left out.

    Raises:
        InputError: it cannot be read, or contains anything else than the metrics of a run.
    """
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise InputError(f"{path}: expected a regular file, not a link or a folder")
        content = path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    rows = content[: content.rfind(b"\n") + 1]
    header = ",".join(COLUMNS).encode()
    if not rows and (header + b"\r\n").startswith(content.rstrip(b"\0")):
        return b""
    for number, line in enumerate(rows.splitlines() or [content], start=1):
        if number == 1 and line != header:
            raise InputError(
                f"{path}: line 1 is not the header of this version's metrics; remove or rename the file"
            )
        if number > 1:
            _check_row(path, number, line)
    return rows


def _check_row(path: Path, number: int, line: bytes) -> None:
    values = line.split(b",")
    if len(values) != len(COLUMNS):
        raise InputError(f"{path}: line {number} has {len(values)} values; expected {len(COLUMNS)}")
    for name, value in zip(COLUMNS, values, strict=True):
        try:
            float(value or b"0")
        except ValueError:
            raise InputError(
                f"{path}: line {number}, {name} is {ascii(value)[1:]}; expected a number"
            ) from None
