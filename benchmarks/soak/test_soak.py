"""The criteria of a soak run find what they are meant to find."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.soak.processes import tree
from benchmarks.soak.run import latest_updates
from benchmarks.soak.verdict import Sample, table, verdict

FLAT = [
    Sample(
        seconds=10.0 * i,
        rss=500 << 20,
        tree_rss=900 << 20,
        files=20,
        tree_files=60,
        processes=3,
        processor_seconds=10.0 * i,
        updates=300 * i,
    )
    for i in range(721)
]


def failed(samples: list[Sample]) -> list[str]:
    return [row.name for row in verdict(samples, 900, 600) if not row.passed]


def test_flat_figures_pass() -> None:
    assert failed(FLAT) == []
    assert "FAILED" not in table(verdict(FLAT, 900, 600))


def test_a_leak_of_memory_is_found() -> None:
    leaking = [replace(sample, rss=sample.rss + (i << 14)) for i, sample in enumerate(FLAT)]
    assert failed(leaking) == ["rss (MiB)"]


def test_a_leak_of_files_is_found() -> None:
    leaking = [replace(sample, files=sample.files + i // 500) for i, sample in enumerate(FLAT)]
    assert failed(leaking) == ["files"]


def test_a_slower_end_is_found() -> None:
    updates = [300 * min(i, 500) + 280 * max(0, i - 500) for i in range(len(FLAT))]
    slower = [replace(sample, updates=count) for sample, count in zip(FLAT, updates, strict=True)]
    assert failed(slower) == ["updates per second"]


def test_less_processor_time_is_not_a_slower_training() -> None:
    half = [min(i, 500) + 0.5 * max(0, i - 500) for i in range(len(FLAT))]
    shared = [
        replace(sample, updates=round(300 * part), processor_seconds=10 * part)
        for sample, part in zip(FLAT, half, strict=True)
    ]
    assert failed(shared) == []


def test_a_short_run_has_no_verdict() -> None:
    with pytest.raises(ValueError, match="expected at least 2100"):
        verdict(FLAT[:100], 900, 600)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_tree_has_children_of_children() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        processes = tree(os.getpid())
        child.communicate("\n")
    assert processes[0].pid == os.getpid()
    assert processes[0].rss > 1 << 20
    assert processes[0].files > 2
    below = {process.pid for process in processes if process.parent == child.pid}
    assert child.pid in {process.pid for process in processes}
    assert len(below) == 1


def test_updates_are_those_of_the_last_row_that_has_them(tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.csv"
    assert latest_updates(metrics) == 0
    metrics.write_text("time/seconds,charts/updates\n1,10\n2,25\n3,\n", encoding="utf-8")
    assert latest_updates(metrics) == 25
