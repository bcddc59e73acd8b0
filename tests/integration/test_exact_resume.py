"""A deterministic run that is killed or stopped, and resumed, is the run that was not."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from apexline.replay import PrioritizedFrameReplay
from apexline.training import loop as loop_module
from apexline.training import train
from apexline.training.monitor import Monitor
from apexline.training.records import checkpoint, weights_file
from apexline.training.saving import CheckpointSaver
from apexline.training.session import Session
from tests.integration.killed_runs import STEPS, deterministic

KILLS = 20
TIMEOUT = 600
"""Seconds; only ends a test that hangs."""
TIMES = ("time/seconds", "charts/SPS", "charts/frames_per_second", "charts/updates_per_second")
"""Metrics that depend on the speed of the machine."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was not interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(deterministic(steps=STEPS), folder)
    return folder


def test_a_run_killed_at_random_moments_is_the_run_that_was_not(whole: Path, tmp_path: Path) -> None:
    killed = tmp_path / "run"
    program = [sys.executable, "-m", "tests.integration.killed_runs", str(killed), str(KILLS), "1"]
    result = subprocess.run(program, capture_output=True, text=True, timeout=TIMEOUT)
    assert result.returncode == 0, result.stdout + result.stderr
    lives = [line for line in result.stdout.splitlines() if line.startswith("killed ")]
    assert len(lives) == KILLS, "the run ended before the last kill"
    assert len({line.split(": ")[1] for line in lives}) > KILLS / 3, "kills at many places"
    assert_same_run(killed, whole)


class Stopping(Monitor):
    """Sends this process a signal after some of its steps, in the middle of the evaluation that is due then."""

    at: tuple[int, ...] = ()

    def _start_evaluation(self, selection: Any) -> None:
        super()._start_evaluation(selection)
        if self.session.collector.steps in self.at:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_run_stopped_during_an_evaluation_is_the_run_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = deterministic(steps=300, eval_steps=100, eval_episodes=1, checkpoint_seconds=100.0)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(config, whole)
    monkeypatch.setattr(loop_module, "Monitor", Stopping)
    monkeypatch.setattr(Stopping, "at", (100, 200))
    with pytest.raises(SystemExit) as ended:
        train(config, stopped)
    assert ended.value.code == 128 + signal.SIGTERM
    saved = checkpoint.newest(stopped, warn=pytest.fail)
    assert saved.steps == 100
    assert saved.state["monitor"]["selection"]["running"]["steps"] == 100
    with pytest.raises(SystemExit):
        train(config, stopped, resume=True)
    monkeypatch.undo()
    train(config, stopped, resume=True)
    assert_same_run(stopped, whole)
    evaluated = [row["charts/steps"] for row in rows_of(stopped) if row["eval/episodic_return"]]
    assert evaluated == ["100", "200", "300", "300"], "at each interval, and at the end"
    assert (stopped / weights_file.BEST).read_bytes() == (whole / weights_file.BEST).read_bytes()


def assert_same_run(one: Path, other: Path) -> None:
    """Weights, moments, random states, environments, replay and metrics are equal, bit for bit."""
    states = [checkpoint.newest(folder, warn=pytest.fail).state for folder in (one, other)]
    for state in states:
        del state["seconds"], state["monitor"]["metrics"]
    assert differences(*states) == []
    replays = [contents_of(folder) for folder in (one, other)]
    assert differences(*replays) == []
    assert rows_of(one) == rows_of(other)
    assert scalars_of(one) == scalars_of(other)


def differences(one: Any, other: Any, name: str = "") -> list[str]:
    """Names of the values that differ in nested values."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [d for key in one for d in differences(one[key], other[key], f"{name}/{key}")]
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        pairs = zip(one, other, strict=True)
        return [d for i, (a, b) in enumerate(pairs) for d in differences(a, b, f"{name}/{i}")]
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        same = one.dtype == other.dtype and torch.equal(one, other)
    elif isinstance(one, np.ndarray):
        same = np.array_equal(one, other)
    else:
        same = one == other
    return [] if same else [name]


def contents_of(folder: Path) -> dict[str, Any]:
    """The replay in the newest checkpoint of a run."""
    session = Session(deterministic(steps=STEPS))
    replay: PrioritizedFrameReplay = session.replay
    saver = CheckpointSaver(folder, replay, 1, pytest.fail)
    saver.load_replay(checkpoint.newest(folder, warn=pytest.fail))
    state = replay.state_dict()
    saver.close()
    session.close()
    return state


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        return [{name: row[name] for name in row if name not in TIMES} for row in csv.DictReader(file)]


def scalars_of(folder: Path) -> dict[str, list[tuple[int, float]]]:
    board = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    return {
        tag: [(event.step, event.value) for event in board.Scalars(tag)]
        for tag in board.Tags()["scalars"]
        if tag not in TIMES
    }
