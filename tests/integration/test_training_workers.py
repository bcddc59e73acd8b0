"""Trainings whose environment and evaluation processes are killed or stopped."""

from __future__ import annotations

import csv
import math
import multiprocessing
import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apexline.racing import WorkerDiedError
from apexline.training import PRESETS, Evaluator, TrainConfig, train
from apexline.training.evaluation.selection import Selection
from apexline.training.records import checkpoint
from apexline.training.session import Session

Fault = tuple[int, signal.Signals]
"""An environment, and the signal that its process gets."""


def short(frames: int, **changes: Any) -> TrainConfig:
    config = PRESETS["cpu"]
    return replace(
        config,
        threads=1,
        num_envs=2,
        agent=replace(config.agent, precision="fp32"),
        replay=replace(config.replay, capacity=2_000),
        learning=replace(config.learning, batch_size=16, learning_starts=20),
        budget=replace(config.budget, minutes=None, total_frames=frames),
        monitor=replace(config.monitor, eval_steps=None),
        **changes,
    )


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def last_row(folder: Path) -> dict[str, str]:
    """The last row of the training; those of evaluations have no faults."""
    return [row for row in rows(folder) if row["faults/worker_restarts"]][-1]


class Faults:
    """Sends signals to the processes of environments before chosen steps, and `ends_by` to the training; records the
    run."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        faults: Mapping[int, Sequence[Fault]],
        ends_by: signal.Signals | None = None,
    ) -> None:
        self.frames: list[int] = []
        self.scores: list[float] = []
        self.restarts = 0
        step = Session.step

        def with_faults(session: Session, updates: int) -> Any:
            collector, envs = session.collector, session.collector.envs
            for index, number in faults.get(collector.steps // 2, ()):
                os.kill(envs.processes[index].pid, number)  # type: ignore[attr-defined]
                if ends_by is not None:
                    os.kill(os.getpid(), ends_by)
            episodes = step(session, updates)
            self.frames.append(collector.frames)
            self.scores.extend(episode.score for episode in episodes)
            self.restarts = envs.restarts  # type: ignore[attr-defined]
            return episodes

        monkeypatch.setattr(Session, "step", with_faults)


def test_a_training_continues_when_workers_are_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = {
        5: [(0, signal.SIGKILL)],
        15: [(0, signal.SIGSTOP), (1, signal.SIGKILL)],
        25: [(1, signal.SIGKILL)],
    }
    run = Faults(monkeypatch, faults)
    lines: list[str] = []
    status = train(short(400, backend="gymnasium", worker_timeout=5.0), tmp_path / "run", log=lines.append)
    assert run.restarts == 4
    assert "worker process 0 was killed by SIGKILL; it was replaced" in lines
    assert last_row(tmp_path / "run")["faults/worker_restarts"] == "4"
    assert status.faults["worker_restarts"] == 4
    assert status.frames >= 400
    assert run.frames == sorted(run.frames), "the frames of interrupted episodes stay counted"
    assert len(run.scores) == status.episodes, "an interrupted episode has no score"
    assert all(map(math.isfinite, run.scores))


def test_after_the_limit_the_training_ends_with_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Faults(monkeypatch, {count: [(1, signal.SIGKILL)] for count in (3, 4)})
    with pytest.raises(WorkerDiedError, match="worker process 1 was killed by SIGKILL after 1 restarts"):
        train(short(10_000, backend="gymnasium", max_worker_restarts=1), tmp_path / "run")
    assert run.restarts == 1


def test_a_training_continues_when_an_evaluation_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first evaluation is skipped; the last one has its score."""
    config = short(640)
    config = replace(config, monitor=replace(config.monitor, eval_steps=80, eval_episodes=2))
    submit = Evaluator.submit
    evaluators: list[Evaluator] = []

    def killed_once(evaluator: Evaluator, *arguments: Any) -> Any:
        report = submit(evaluator, *arguments)
        while not (evaluators or report.done()):
            for process in multiprocessing.active_children():
                if process.name == "apexline evaluation" and process.pid is not None:
                    with suppress(ProcessLookupError):  # the evaluation thread has waited for it
                        os.kill(process.pid, signal.SIGKILL)
        evaluators.append(evaluator)
        return report

    monkeypatch.setattr(Evaluator, "submit", killed_once)
    lines: list[str] = []
    status = train(config, tmp_path / "run", log=lines.append)
    assert status.steps == 160
    assert any(line.startswith("evaluation worker was killed by SIGKILL; it was repl") for line in lines)
    assert math.isfinite(status.eval_score)
    assert (evaluators[0].restarts, evaluators[0].skipped) == (2, 1)
    evaluated = [row["charts/steps"] for row in rows(tmp_path / "run") if row["eval/episodic_return"]]
    assert evaluated
    assert float(evaluated[-1]) == status.steps
    last = last_row(tmp_path / "run")
    assert (last["faults/evaluation_restarts"], last["faults/skipped_evaluations"]) == ("2", "1")


def test_a_signal_ends_a_training_whose_worker_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the time limit of the worker."""
    run = Faults(monkeypatch, {10: [(1, signal.SIGSTOP)]}, ends_by=signal.SIGTERM)
    with pytest.raises(SystemExit) as caught:
        train(short(100_000, backend="gymnasium", worker_timeout=3.0), tmp_path / "run")
    assert caught.value.code == 128 + signal.SIGTERM
    assert run.restarts == 1
    assert len(run.frames) == 11, "no step follows"
    assert checkpoint.newest(tmp_path / "run", warn=print).steps == 22


def test_a_signal_ends_a_training_whose_evaluation_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the time limit of the evaluation is."""
    config = short(640)
    config = replace(
        config, monitor=replace(config.monitor, eval_steps=80, eval_episodes=2, eval_timeout=1e6)
    )
    submit = Evaluator.submit

    def stopped(evaluator: Evaluator, *arguments: Any) -> Any:
        report = submit(evaluator, *arguments)
        while not evaluator._pool.processes:
            time.sleep(0.01)
        (worker,) = evaluator._pool.processes
        os.kill(worker.process.pid or 0, signal.SIGSTOP)
        return report

    monkeypatch.setattr(Evaluator, "submit", stopped)
    wait = Selection.wait

    def signalled(selection: Selection, *arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return wait(selection, *arguments)

    monkeypatch.setattr(Selection, "wait", signalled)
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "run")
    assert checkpoint.newest(tmp_path / "run", warn=print).steps == 160
    assert not [p for p in multiprocessing.active_children() if p.name == "apexline evaluation"]
