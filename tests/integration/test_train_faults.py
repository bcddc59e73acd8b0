"""Trainings on full, read-only and deleted folders, with signals at every stage, and without a reader of their output:
real processes and real disks."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from apexline.training.records import checkpoint
from apexline.training.records.metrics_file import METRICS
from apexline.training.stop import SAVING, STILL_SAVING
from tests.disks import fill, mounted

from .warm import ROOT, TIMEOUT, Forker, Training

SMALL = (
    *("--preset", "cpu", "--threads", "1", "--agent.precision", "fp32", "--num-envs", "2"),
    *("--replay.capacity", "2000", "--learning.batch-size", "16", "--learning.learning-starts", "40"),
    *("--agent.hidden", "32", "32", "--monitor.eval-steps", "None", "--budget.minutes", "None"),
)
ENDLESS = ("--monitor.log-seconds", "0.05", "--monitor.checkpoint-seconds", "0.1")
NO_SPACE = "No space left on device"


@pytest.fixture(scope="module")
def forker() -> Iterator[Forker]:
    forker = Forker()
    yield forker
    forker.close()


def refuse(message: str) -> None:
    raise AssertionError(message)


def newest_steps(run: Path) -> int:
    """Steps of the newest checkpoint, which must not be damaged; 0: the one of the start."""
    return checkpoint.newest(run, warn=refuse).steps


def wait_for_checkpoint(training: Training, run: Path, after: int = 0) -> None:
    training.wait_for(lambda: checkpoint.exists(run))
    training.wait_for(lambda: checkpoint.newest(run, warn=lambda _: None).steps > after)


def check_metrics(run: Path) -> list[int]:
    """Steps of the rows of metrics.csv, which must be whole and increase, as in the TensorBoard files."""
    with (run / METRICS).open(newline="") as file:
        rows = list(csv.DictReader(file))
    steps = [int(row["charts/steps"]) for row in rows]
    assert all(a < b for a, b in pairwise(steps))
    events = EventAccumulator(str(run), {"scalars": 0}).Reload()
    assert [event.step for event in events.Scalars("charts/frames")] == steps
    return steps


def check_unfinished(run: Path) -> None:
    """No file of a failed save or its temporary files stays."""
    assert not list(run.rglob("*.part"))


def check_errors(training: Training, *lines: str) -> None:
    """The standard error consists of lines with these beginnings."""
    written = training.errors.splitlines()
    assert len(written) == len(lines), training.errors
    for line, beginning in zip(written, lines, strict=True):
        assert line.startswith(beginning), training.errors


def check_resumes(forker: Forker, run: Path, folder: Path) -> None:
    """The run continues from its newest checkpoint."""
    steps = newest_steps(run)
    folder.mkdir()
    resumed = forker.start(
        *("--resume", run, "--budget.total-steps", str(steps + 40), "--monitor.checkpoint-seconds", "1000"),
        folder=folder,
    )
    assert resumed.wait() == 0, resumed.errors
    assert newest_steps(run) == steps + 40
    assert check_metrics(run)[-1] == steps + 40


def test_a_disk_that_is_full_for_a_while(forker: Forker, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "size=96m") as disk:
        run = disk / "run"
        training = forker.start(*SMALL, *ENDLESS, "--out", run, folder=tmp_path)
        wait_for_checkpoint(training, run)

        filler = fill(disk)
        training.wait_for_output("metrics are kept in memory until they can be written")
        training.wait_for_output("no checkpoint saved at step", 2)
        assert NO_SPACE in training.output
        newest_steps(run)
        rows = training.output.count("frames/s")
        training.wait_for_output("frames/s", rows + 5)

        os.truncate(
            filler, filler.stat().st_size - (1 << 20)
        )  # for metrics, and the beginning of a checkpoint
        training.wait_for_output("metrics are written again")
        failed = training.output.count("no checkpoint saved at step")
        training.wait_for_output("no checkpoint saved at step", failed + 2)
        saved = newest_steps(run)

        filler.unlink()
        wait_for_checkpoint(training, run, after=saved)
        training.send(signal.SIGTERM)
        assert training.wait() == 143
        check_errors(
            training,
            SAVING,
            f"state of step {newest_steps(run)} saved; continue with: apexline train --resume {run}",
        )
        check_unfinished(run)
        with (run / METRICS).open(newline="") as file:
            *_, last = csv.DictReader(file)
        assert int(last["faults/failed_saves"]) >= 4
        check_resumes(forker, run, tmp_path / "resumed")


def test_a_disk_that_stays_full(forker: Forker, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "size=96m") as disk:
        run = disk / "run"
        training = forker.start(*SMALL, *ENDLESS, "--out", run, folder=tmp_path)
        wait_for_checkpoint(training, run)
        fill(disk)
        training.wait_for_output("no checkpoint saved at step")
        training.send(signal.SIGINT)
        assert training.wait() == 1
        saving, continued, reason = training.errors.splitlines()
        assert saving == SAVING
        assert continued.startswith(f"state of step {newest_steps(run)} saved; continue with")
        assert reason.startswith(f"apexline: {run}: the state of step")
        assert NO_SPACE in reason
        check_unfinished(run)


def test_a_file_size_limit_below_a_checkpoint_is_one_line(forker: Forker, tmp_path: Path) -> None:
    run = tmp_path / "run"
    training = forker.start(*SMALL, "--out", run, folder=tmp_path, file_size=100_000)
    assert training.wait() == 1
    (line,) = training.errors.splitlines()
    assert line.startswith(f"apexline: {run}")
    assert "File too large" in line
    assert not checkpoint.exists(run)


def test_a_folder_that_is_read_only_and_then_deleted(forker: Forker, tmp_path: Path) -> None:
    run = tmp_path / "run"
    training = forker.start(*SMALL, *ENDLESS, "--out", run, folder=tmp_path, capabilities=False)
    wait_for_checkpoint(training, run)
    for folder in (run, run / checkpoint.FOLDER):
        folder.chmod(0o555)
    training.wait_for_output("no checkpoint saved at step", 2)
    assert "Permission denied" in training.output
    saved = newest_steps(run)
    for folder in (run, run / checkpoint.FOLDER):
        folder.chmod(0o755)
    wait_for_checkpoint(training, run, after=saved)

    failed = training.output.count("no checkpoint saved at step")
    while run.exists():  # a save may be adding files
        shutil.rmtree(run, ignore_errors=True)
    training.wait_for_output("metrics are kept in memory until they can be written")
    training.wait_for_output("no checkpoint saved at step", failed + 2)
    run.mkdir()
    training.wait_for_output("metrics are written again")
    wait_for_checkpoint(training, run)
    training.send(signal.SIGHUP)
    assert training.wait() == 129
    check_errors(training, SAVING, "state of step")
    check_resumes(forker, run, tmp_path / "resumed")


def test_a_second_signal_waits_for_the_save(forker: Forker, tmp_path: Path) -> None:
    run, hold = tmp_path / "run", tmp_path / "hold"
    hold.touch()
    training = forker.start(*SMALL, *ENDLESS, "--out", run, folder=tmp_path, hold=hold)
    wait_for_checkpoint(training, run)
    training.send(signal.SIGINT)
    training.wait_for_errors(SAVING)
    training.send(signal.SIGTERM)
    training.wait_for_errors(STILL_SAVING)
    assert not training.has_ended()
    hold.unlink()
    assert training.wait() == 130
    check_errors(training, SAVING, STILL_SAVING, f"state of step {newest_steps(run)} saved; continue with")
    check_unfinished(run)
    check_resumes(forker, run, tmp_path / "resumed")


def test_a_third_signal_ends_the_process_during_the_save(forker: Forker, tmp_path: Path) -> None:
    run, hold = tmp_path / "run", tmp_path / "hold"
    hold.touch()
    training = forker.start(*SMALL, *ENDLESS, "--out", run, folder=tmp_path, hold=hold)
    wait_for_checkpoint(training, run)
    for number, line in ((signal.SIGHUP, SAVING), (signal.SIGINT, STILL_SAVING)):
        training.send(number)
        training.wait_for_errors(line)
    training.send(signal.SIGTERM)
    assert training.wait() == 143
    check_errors(training, SAVING, STILL_SAVING)
    check_resumes(forker, run, tmp_path / "resumed")


def test_training_continues_without_a_reader_of_its_output(forker: Forker, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    run = tmp_path / "run"
    training = forker.start(
        *(*SMALL, "--budget.total-frames", "1600", "--monitor.log-seconds", "0.001", "--out", run),
        folder=tmp_path,
        output=fifo,
        errors=fifo,
    )
    with fifo.open() as reader:
        assert reader.readline().startswith("apexline ")
    assert training.wait() == 0
    assert len(check_metrics(run)) > 1


def close_standard_streams() -> None:
    for number in range(3):
        os.close(number)


def test_training_without_standard_streams(tmp_path: Path) -> None:
    run = tmp_path / "run"
    program = "import sys; from apexline.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [
        sys.executable,
        "-c",
        program,
        "train",
        *SMALL,
        "--budget.total-frames",
        "800",
        "--out",
        str(run),
    ]
    done = subprocess.run(command, preexec_fn=close_standard_streams, cwd=ROOT, timeout=TIMEOUT, check=False)
    assert done.returncode == 0
    assert check_metrics(run)[-1] == newest_steps(run) == 200
    assert (run / "curve.png").stat().st_size


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_to_the_whole_group_leaves_the_workers_to_the_training(
    number: signal.Signals, forker: Forker, tmp_path: Path
) -> None:
    """As Ctrl-C and a closed terminal send it."""
    run = tmp_path / "run"
    training = forker.start(
        *(*SMALL, *ENDLESS, "--backend", "gymnasium", "--monitor.eval-steps", "50"),
        *("--monitor.eval-episodes", "1", "--out", run),
        folder=tmp_path,
    )
    wait_for_checkpoint(training, run)
    os.killpg(training.pid, number)
    assert training.wait() == 128 + number
    check_errors(training, SAVING, f"state of step {newest_steps(run)} saved; continue with")
    with (run / METRICS).open(newline="") as file:
        *_, last = csv.DictReader(file)
    assert (last["faults/worker_restarts"], last["faults/evaluation_restarts"]) == ("0", "0")
