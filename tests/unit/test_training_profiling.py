"""Profiles of a run."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from apexline.training import PRESETS, train
from apexline.training.machine import profiling
from apexline.training.machine.profiling import Span, table
from tests.disks import fill, mounted


def test_shares_are_of_wall_clock_time_with_the_rest_as_other() -> None:
    spans = {
        "step": Span(10, 2.0),
        "update: forward": Span(40, 0.5),
        "wait: acting": Span(10, 0.1),
        "acting: environments": Span(10, 0.2),
    }
    lines = table(spans, gpu_seconds=1.5).splitlines()
    assert lines[0] == "10 steps of all environments, 200.00 ms each"
    rows = {line[2:24].strip(): line[24:].split() for line in lines[1:] if line.startswith("  ")}
    assert rows["update: forward"] == ["50.000", "25.0%", "4"]
    assert rows["wait: acting"] == ["10.000", "5.0%", "1"]
    assert rows["other"] == ["140.000", "70.0%"]
    assert rows["acting: environments"] == ["20.000", "10.0%", "1"]
    assert rows["idle"] == ["180.000", "90.0%"]
    assert rows["GPU busy"] == ["150.000", "75.0%"]
    assert "GPU" not in table(spans, gpu_seconds=0)


def test_a_run_is_profiled_in_both_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiling, "SKIPPED", 3)
    monkeypatch.setattr(profiling, "STEPS", 8)
    config = PRESETS["cpu"]
    config = replace(
        config,
        threads=1,
        num_envs=2,
        agent=replace(config.agent, precision="bf16"),
        replay=replace(config.replay, capacity=2_000),
        learning=replace(config.learning, batch_size=16, learning_starts=40),
        budget=replace(config.budget, minutes=None, total_frames=400),
        monitor=replace(config.monitor, eval_steps=None),
    )
    train(config, tmp_path / "run", profile=True)
    text = (tmp_path / "run" / "profile.txt").read_text()
    assert text.startswith("8 steps of all environments")
    rows = {line[2:24].strip(): line[24:].split() for line in text.splitlines()[1:] if line.startswith("  ")}
    for name, count in {
        "update: forward": 2,
        "update: backward": 2,
        "update: optimizer": 2,
        "update: targets": 1,
        "wait: replay": 1,
        "wait: acting": 1,
        "replay: add": 1,
        "acting: policy": 1,
        "acting: environments": 1,
    }.items():
        assert float(rows[name][0]) > 0, name
        assert float(rows[name][2]) == pytest.approx(count, abs=0.26), name
    shares = [float(values[1].rstrip("%")) for values in rows.values()]
    assert all(-1 < share <= 101 for share in shares)
    trace = json.loads((tmp_path / "run" / "trace.json").read_text())
    threads = {event["tid"] for event in trace["traceEvents"] if re.match("acting: ", event.get("name", ""))}
    learners = {event["tid"] for event in trace["traceEvents"] if event.get("name") == "update: forward"}
    assert threads
    assert threads.isdisjoint(learners)


def test_without_enough_steps_nothing_is_written(tmp_path: Path) -> None:
    profiler = profiling.Profiler(tmp_path, warn=print)
    for _ in range(profiling.SKIPPED + 1):
        with profiler.step(1):
            pass
    profiler.close()
    profiler.close()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_or_a_deleted_folder_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiling, "SKIPPED", 1)
    monkeypatch.setattr(profiling, "STEPS", 1)
    warnings: list[str] = []
    with mounted(tmp_path / "disk", "size=64k") as disk:
        filler = fill(disk)
        for folder in (disk, tmp_path / "deleted"):
            profiler = profiling.Profiler(folder, warnings.append)
            for _ in range(3):
                with profiler.step(1):
                    pass
            profiler.close()
        assert list(disk.iterdir()) == [filler]
    assert [line.rpartition(": ")[2] for line in warnings] == [
        "No space left on device",
        "No such file or directory",
    ]
    assert warnings[0].startswith(f"no profile written: {disk}/")
