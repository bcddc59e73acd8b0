"""A run folder is written by one training at a time; real processes, one of which is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from apexline.cli import main
from apexline.cli import train as command
from apexline.training import PRESETS, InputError, TrainConfig, train
from apexline.training.records import checkpoint, weights_file
from apexline.training.records.metrics_file import COLUMNS
from apexline.training.records.run_folder import LOCK

Capture = pytest.CaptureFixture[str]

PROGRAM = "import sys; from apexline.cli import main; sys.exit(main(sys.argv[1:]))"
OPTIONS = (
    *("--preset", "cpu", "--threads", "1", "--agent.precision", "fp32", "--num-envs", "1"),
    *("--replay.capacity", "2000", "--monitor.eval-steps", "None", "--budget.minutes", "None"),
)
TIMEOUT = 120
"""Seconds; only ends a test that hangs."""


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "train", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def small(frames: int = 8) -> TrainConfig:
    config = PRESETS["cpu"]
    return replace(
        config,
        threads=1,
        num_envs=1,
        agent=replace(config.agent, precision="fp32"),
        replay=replace(config.replay, capacity=2_000),
        budget=replace(config.budget, minutes=None, total_frames=frames),
        monitor=replace(config.monitor, eval_steps=None),
    )


@contextmanager
def time_limit() -> Iterator[None]:
    """Ends a wait for a FIFO that nobody writes to."""

    def end(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(TIMEOUT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def error_line(capture: Capture) -> str:
    (line,) = capture.readouterr().err.splitlines()
    return line


def test_a_folder_in_use_is_refused_until_its_process_is_killed(tmp_path: Path, capsys: Capture) -> None:
    folder = tmp_path / "run"
    intervals = ("--monitor.log-seconds", "0.2", "--monitor.checkpoint-seconds", "0.1")
    owner = start(*OPTIONS, *intervals, "--out", folder)
    assert owner.stdout is not None
    for line in owner.stdout:
        if "frames/s" in line and checkpoint.exists(folder):
            break
    message = f"{folder} is in use by process {owner.pid}; expected a run folder that no training writes to"
    for arguments in (["--resume", str(folder)], [*OPTIONS, "--out", str(folder)]):
        assert main(["train", *arguments]) == 2
        assert error_line(capsys) == f"apexline: {message}"
    assert main(["export", str(folder)]) == 0, "reading needs no lock"

    owner.kill()
    owner.communicate(timeout=TIMEOUT)
    assert (folder / LOCK).exists()
    steps = checkpoint.newest(folder, warn=pytest.fail).steps
    budget = str(steps * 4 + 8)
    assert main(["train", "--resume", str(folder), "--budget.total-frames", budget]) == 0
    assert checkpoint.newest(folder, warn=pytest.fail).steps > steps
    assert not (folder / LOCK).exists()


def test_one_of_two_trainings_gets_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    both = [
        start(*OPTIONS, "--budget.total-frames", "4000", "--seed", str(seed), "--out", folder)
        for seed in (1, 2)
    ]
    errors = [process.communicate(timeout=TIMEOUT)[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 2]
    winner = [process.returncode for process in both].index(0)
    assert errors[winner] == ""
    assert len(errors[1 - winner].splitlines()) == 1
    assert f"{folder} is in use by process" in errors[1 - winner] or "not empty" in errors[1 - winner]
    assert f'"seed": {winner + 1},' in (folder / "config.json").read_text()


def test_two_trainings_of_the_same_second_get_two_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    class Stopped(datetime):
        @classmethod
        def now(cls, _: object = None) -> Stopped:
            return cls(2026, 1, 2, 3, 4, 5)

    monkeypatch.setattr(command, "datetime", Stopped)
    monkeypatch.chdir(tmp_path)
    for seed in range(3):
        assert main(["train", *OPTIONS, "--budget.total-frames", "8", "--seed", str(seed)]) == 0
    names = [f"cpu-20260102-030405{suffix}" for suffix in ("", "-2", "-3")]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == names
    for seed, name in enumerate(names):
        assert f'"seed": {seed},' in (tmp_path / "runs" / name / "config.json").read_text()
    assert capsys.readouterr().out.count("done: ") == 3


def test_a_refused_training_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", *OPTIONS, "--seed", "-1"]) == 2
    assert "--seed is -1" in error_line(capsys)
    assert not list(tmp_path.iterdir())


def test_an_empty_folder_is_used_and_one_that_cannot_be_read_is_not(tmp_path: Path) -> None:
    train(small(), tmp_path)
    assert checkpoint.exists(tmp_path)
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match=r"not a folder|cannot be created"):
            train(small(), folder)


def cut_last_row(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def cut_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:30])


def test_metrics_after_a_power_failure_are_repaired(tmp_path: Path) -> None:
    for number, damage in enumerate(
        (cut_last_row, cut_header, Path.unlink, lambda path: path.write_bytes(b""))
    ):
        folder = tmp_path / str(number)
        train(small(), folder)
        damage(folder / "metrics.csv")
        train(small(16), folder, resume=True)
        lines = (folder / "metrics.csv").read_text().splitlines()
        assert len(lines) == 2
        assert lines[0].startswith("time/seconds,")
        assert {line.count(",") for line in lines} == {len(COLUMNS) - 1}
        assert (folder / "curve.png").exists()


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def replaced_by_a_folder(path: Path) -> None:
    remove(path)
    path.mkdir()


def replaced_by_a_fifo(path: Path) -> None:
    remove(path)
    os.mkfifo(path)


def without_evaluation(path: Path) -> None:
    weights_file.save(path, {}, small(), 3)


def without_a_header(path: Path) -> None:
    path.write_bytes(path.read_bytes().partition(b"\n")[2])


def replaced_by_a_link(path: Path) -> None:
    path.rename(path.with_name("victim"))
    path.symlink_to(path.with_name("victim"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    train(small(), folder)
    return folder


@pytest.mark.parametrize(
    ("name", "damage", "expected"),
    [
        ("metrics.csv", without_a_header, "metrics.csv: line 1 is not the header"),
        ("metrics.csv", replaced_by_a_link, "metrics.csv: expected a regular file"),
        ("best.safetensors", without_evaluation, "best.safetensors: not the best weights of a run"),
        ("best.safetensors", Path.touch, "best.safetensors: truncated or not a weights file"),
        *(
            (name, damage, f"{name}: expected a regular file")
            for name in ("metrics.csv", "best.safetensors", "config.json", "curve.png", "profile.txt")
            for damage in (replaced_by_a_folder, replaced_by_a_fifo)
        ),
        *(
            ("checkpoints", damage, "no such run folder, or no checkpoint in it")
            for damage in (replaced_by_a_folder, replaced_by_a_fifo)
        ),
        *(
            (
                LOCK,
                damage,
                "the folder cannot be written" if damage is replaced_by_a_folder else f"{LOCK}: expected",
            )
            for damage in (replaced_by_a_folder, replaced_by_a_fifo)
        ),
    ],
)
def test_a_damaged_folder_is_refused_at_the_start(
    finished: Path,
    tmp_path: Path,
    capsys: Capture,
    name: str,
    damage: Callable[[Path], object],
    expected: str,
) -> None:
    folder = shutil.copytree(finished, tmp_path / "run")
    damage(folder / name)
    before = sorted((path.name, path.lstat().st_mtime_ns) for path in folder.rglob("*"))
    with time_limit():
        assert main(["train", "--resume", str(folder), "--budget.total-frames", "16"]) == 2
    assert expected in error_line(capsys)
    assert sorted((path.name, path.lstat().st_mtime_ns) for path in folder.rglob("*")) == before
