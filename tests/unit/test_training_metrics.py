"""metrics.csv, TensorBoard files and the learning curve."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from apexline.training import InputError
from apexline.training.records.curves import draw_curve
from apexline.training.records.metrics import MetricsWriter
from apexline.training.records.metrics_file import COLUMNS, METRICS
from tests.disks import fill, mounted


def write_row(writer: MetricsWriter, step: int) -> None:
    writer.write({"time/seconds": 1.5 * step, "charts/steps": step, "charts/episodic_return": 100.0 + step})


def write_run(folder: Path) -> None:
    """Two stretches of three rows and an evaluation; the second continues at the end of the first."""
    state = None
    for stretch in range(2):
        writer = MetricsWriter(folder, state=state)
        for row in range(3):
            write_row(writer, 10 * (3 * stretch + row))
        writer.write({"time/seconds": 60.0, "charts/steps": 50, "eval/episodic_return": 321.123456789})
        state = json.loads(json.dumps(writer.state_dict()))
        writer.close()


def steps_of(folder: Path) -> list[int]:
    with (folder / METRICS).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(tuple(row) == COLUMNS for row in rows)
    return [int(row["charts/steps"]) for row in rows]


def events_of(folder: Path, name: str = "charts/episodic_return") -> list[tuple[int, float]]:
    """Steps and values in the event files, each of which must be whole."""
    events = EventAccumulator(str(folder)).Reload()
    return sorted((event.step, event.value) for event in events.Scalars(name))


def expected_events(steps: Sequence[int]) -> list[tuple[int, float]]:
    return [(step, 100.0 + step) for step in steps]


def state_of(writer: MetricsWriter) -> Any:
    """A state as a checkpoint holds it."""
    return json.loads(json.dumps(writer.state_dict()))


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
    assert events_of(tmp_path) == expected_events(range(0, 60, 10))
    assert events_of(tmp_path, "eval/episodic_return") == [(50, float(np.float32(321.123456789)))] * 2


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_resumed_run_has_no_rows_of_after_its_checkpoint(kept: int, tmp_path: Path) -> None:
    """It was killed in its third stretch and continues from a checkpoint in the first, the second, or from none."""
    states = [None]
    for stretch in range(3):
        writer = MetricsWriter(tmp_path, state=states[-1])
        write_row(writer, 2 * stretch)
        states.append(state_of(writer))
        write_row(writer, 2 * stretch + 1)  # cut by the next stretch
    resumed = MetricsWriter(tmp_path, state=states[kept])
    assert len(list(tmp_path.glob("events*"))) == kept + 1
    write_row(resumed, 2 * kept)
    resumed.close()
    steps = [*range(0, 2 * kept, 2), 2 * kept]
    assert steps_of(tmp_path) == steps
    assert events_of(tmp_path) == expected_events(steps)


def test_files_that_are_shorter_than_at_the_checkpoint_are_continued(tmp_path: Path) -> None:
    """As a power failure may leave them."""
    writer = MetricsWriter(tmp_path)
    for step in range(4):
        write_row(writer, step)
    state = state_of(writer)
    writer.close()
    (events,) = tmp_path.glob("events*")
    for path in (tmp_path / METRICS, events):
        os.truncate(path, path.stat().st_size - 20)
    resumed = MetricsWriter(tmp_path, state=state)
    write_row(resumed, 4)
    resumed.close()
    assert steps_of(tmp_path) == [0, 1, 2, 4]
    assert events_of(tmp_path)[-1] == (4, 104.0)


def test_an_event_file_that_is_a_link_is_refused_or_removed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    writer = MetricsWriter(folder)
    write_row(writer, 0)
    state = state_of(writer)
    writer.close()
    (events,) = folder.glob("events*")
    victim = tmp_path / "victim"
    events.rename(victim)
    victim.write_bytes(victim.read_bytes() * 2)
    before = victim.read_bytes()
    events.symlink_to(victim)
    with pytest.raises(InputError, match="expected a regular file"):
        MetricsWriter(folder, state=state)
    MetricsWriter(folder).close()
    assert not events.is_symlink()
    assert victim.read_bytes() == before


def test_a_full_disk_is_reported_once_and_its_rows_are_written_later(tmp_path: Path) -> None:
    warnings: list[str] = []
    with mounted(tmp_path / "disk", "size=64k") as disk:
        writer = MetricsWriter(disk, warnings.append)
        write_row(writer, 0)
        filler = fill(disk)
        for step in range(1, 200):
            write_row(writer, step)
        assert len(warnings) == 1
        assert warnings[0].startswith(f"{disk}/")
        assert "No space left on device; metrics are kept in memory" in warnings[0]
        assert steps_of(disk) == list(range(len(steps_of(disk)))), "whole rows"
        filler.unlink()
        write_row(writer, 200)
        assert warnings[1:] == [f"{disk / METRICS}: metrics are written again"]
        fill(disk)
        for step in range(201, 400):
            write_row(writer, step)
        assert len(warnings) == 3, "each time that it is full"
        writer.close()
        assert len(warnings) == 4
        assert "lost: " in warnings[3]
        rows = steps_of(disk)
        assert rows == list(range(len(rows)))
        assert len(rows) > 200
        events = [step for step, _ in events_of(disk)]
        assert events == list(range(len(events)))


def test_rows_in_memory_belong_to_the_state(tmp_path: Path) -> None:
    warnings: list[str] = []
    with mounted(tmp_path / "disk", "size=64k") as disk:
        writer = MetricsWriter(disk, warnings.append)
        filler = fill(disk)
        for step in range(200):
            write_row(writer, step)
        state = state_of(writer)
        assert state["pending"].keys() == {METRICS, "events"}
        writer.close()
        filler.unlink()
        resumed = MetricsWriter(disk, warnings.append, state)
        write_row(resumed, 200)
        resumed.close()
        assert steps_of(disk) == list(range(201))
        assert events_of(disk) == expected_events(range(201))


def test_a_deleted_folder_is_reported_once(tmp_path: Path) -> None:
    warnings: list[str] = []
    folder = tmp_path / "run"
    folder.mkdir()
    writer = MetricsWriter(folder, warnings.append)
    for step in range(5):
        if step == 2:
            shutil.rmtree(folder)
        write_row(writer, step)
    assert [line.partition("; ")[0] for line in warnings] == [
        f"{folder / METRICS}: No such file or directory"
    ]
    folder.mkdir()
    write_row(writer, 5)
    writer.close()
    assert warnings[1:] == [f"{folder / METRICS}: metrics are written again"]
    assert steps_of(folder) == list(range(6))
    assert events_of(folder) == expected_events(range(6))


def test_a_read_only_folder_is_reported(tmp_path: Path) -> None:
    warnings: list[str] = []
    with mounted(tmp_path / "disk", "size=64k,ro") as disk:
        writer = MetricsWriter(disk, warnings.append)
        write_row(writer, 0)
        writer.close()
    assert "Read-only file system" in warnings[0]
    assert "lost: 2 lines" in warnings[1], "the header and a row"


def test_without_a_callback_a_warning_is_issued(tmp_path: Path) -> None:
    writer = MetricsWriter(tmp_path)
    shutil.rmtree(tmp_path)
    with pytest.warns(RuntimeWarning, match="No such file or directory"):
        write_row(writer, 0)
    with pytest.warns(RuntimeWarning, match="lost: 1 line$"):
        writer.close()


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


def test_a_full_disk_leaves_the_earlier_curve_or_none(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "size=256k") as disk:
        write_run(disk)
        filler = fill(disk)
        for before in (None, b"image"):
            if before:
                os.truncate(filler, filler.stat().st_size - 4096)  # one page
                (disk / "curve.png").write_bytes(before)
            with pytest.raises(OSError, match="No space left") as error:
                draw_curve(disk)
            assert error.value.filename == str(disk / "curve.png")
            assert not list(disk.glob("*.part"))
            assert (disk / "curve.png").exists() == bool(before)
        assert (disk / "curve.png").read_bytes() == b"image"
