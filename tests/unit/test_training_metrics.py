"""metrics.csv, TensorBoard files and the learning curve."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from apexline.training.records.curves import draw_curve
from apexline.training.records.metrics import MetricsWriter
from apexline.training.records.metrics_file import COLUMNS


def write_run(folder: Path) -> None:
    for stretch in range(2):
        writer = MetricsWriter(folder)
        for row in range(3):
            step = 10 * (3 * stretch + row)
            writer.write(
                {"time/seconds": 1.5 * step, "charts/steps": step, "charts/episodic_return": 100.0 + step}
            )
        writer.write({"time/seconds": 60.0, "charts/steps": 50, "eval/episodic_return": 321.123456789})
        writer.close()


def test_a_resumed_run_appends_to_the_same_file(tmp_path: Path) -> None:
    write_run(tmp_path)
    with (tmp_path / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["charts/steps"] for row in rows] == ["0", "10", "20", "50", "30", "40", "50", "50"]
    assert rows[3]["eval/episodic_return"] == "321.123"
    assert rows[3]["charts/episodic_return"] == ""


def test_tensorboard_has_the_same_values(tmp_path: Path) -> None:
    write_run(tmp_path)
    events = EventAccumulator(str(tmp_path)).Reload()
    assert sorted((event.step, event.value) for event in events.Scalars("charts/episodic_return")) == [
        (step, 100.0 + step) for step in range(0, 60, 10)
    ]


def test_an_unknown_metric_is_refused(tmp_path: Path) -> None:
    writer = MetricsWriter(tmp_path)
    with pytest.raises(ValueError, match="charts/speed"):
        writer.write({"charts/steps": 1, "charts/speed": 2})
    writer.close()


def test_the_curve_is_an_image_with_two_lines(tmp_path: Path) -> None:
    write_run(tmp_path)
    with Image.open(draw_curve(tmp_path)) as image:
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 20) or []}
    assert {(31, 119, 180), (255, 127, 14)} <= colours, "the training and the evaluation line"


def test_the_curve_replaces_a_link_and_leaves_the_earlier_image_after_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(tmp_path)
    victim = tmp_path / "victim"
    victim.write_text("of another user")
    (tmp_path / "curve.png").symlink_to(victim)
    before = draw_curve(tmp_path).read_bytes()
    assert victim.read_text() == "of another user"

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        draw_curve(tmp_path)
    assert (tmp_path / "curve.png").read_bytes() == before
