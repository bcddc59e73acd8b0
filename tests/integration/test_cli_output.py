"""Standard streams that are closed, full, or a pipe or terminal that nobody reads; disks that fill during the work."""

from __future__ import annotations

import json
import os
import resource
import select
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apexline.cli import eval as eval_command
from apexline.cli import main
from apexline.cli.progress import ProgressBar
from apexline.cli.train import _summary
from apexline.training import EvalReport
from apexline.training.config.train_config import BudgetConfig
from apexline.training.evaluation.report import EpisodeResult
from apexline.training.monitor import Status
from tests.disks import fill, mounted

from .runs import Capture, error_line, untrained_run

PROGRAM = "import os, sys; from apexline.cli import main, output; {body}"
TIMEOUT = 60
"""Seconds; only ends a test that hangs."""


def run_program(body: str, *, buffered: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
    """A process that imports the command line but neither torch nor gymnasium."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"}
    command = [sys.executable, "-c", PROGRAM.format(body=body)]
    return subprocess.run(command, env=environment, text=True, timeout=TIMEOUT, check=False, **options)


def close_standard_streams() -> None:
    for number in range(3):
        os.close(number)


def test_closed_standard_streams_are_replaced(tmp_path: Path) -> None:
    body = (
        "code = main(['--version']); file = open(sys.argv[1], 'w'); output.show('x'); output.complain('x'); "
        "print(code, file.fileno(), os.get_inheritable(1), file=file)"
    )
    script = tmp_path / "script.py"
    script.write_text(PROGRAM.format(body=body))
    command = [sys.executable, str(script), str(tmp_path / "file")]
    assert (
        subprocess.run(command, preexec_fn=close_standard_streams, timeout=TIMEOUT, check=False).returncode
        == 0
    )
    assert (tmp_path / "file").read_text() == "0 3 True\n"


@pytest.mark.parametrize("buffered", [True, False])
def test_a_full_standard_output_is_one_line(buffered: bool) -> None:
    with Path("/dev/full").open("w") as full:
        done = run_program(
            "sys.exit(main(['--help']))", buffered=buffered, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    assert done.stderr == "apexline: standard output: No space left on device\n"


@pytest.mark.parametrize("buffered", [True, False])
def test_lines_that_nobody_reads_are_dropped(buffered: bool) -> None:
    readable, writable = os.pipe()
    os.close(readable)
    body = "output.show('a' * 100_000); output.complain('b'); output.show('c'); sys.exit(main(['bogus']))"
    assert run_program(body, buffered=buffered, stdout=writable, stderr=writable).returncode == 2
    os.close(writable)


def test_a_full_log_file_continues_when_there_is_room(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "size=64k") as disk, (disk / "log").open("w") as log:
        filler = fill(disk)
        body = f"output.show('dropped'); os.unlink({str(filler)!r}); output.show('written')"
        assert run_program(body, stdout=log).returncode == 0
        assert (disk / "log").read_text() == "written\n"


def status(seconds: float) -> Status:
    numbers = dict.fromkeys(Status._fields, 1) | {"seconds": seconds, "score": float("nan"), "faults": {}}
    return Status(**numbers)


def test_progress_goes_on_without_its_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    ours, theirs = os.openpty()
    termios.tcsetwinsize(ours, (24, 80))
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        with ProgressBar(BudgetConfig(minutes=1.0)) as bar:
            bar(status(30.0))
            bar.log("a line")
            shown = b""
            while b"50%" not in shown and select.select([ours], [], [], TIMEOUT)[0]:
                shown += os.read(ours, 1 << 16)
            assert b"50%" in shown
            os.close(ours)
            bar.log("another")
            for seconds in (40.0, 50.0, 60.0):
                bar(status(seconds))
            bar.log("the last")
        with pytest.raises(OSError, match="Input/output error"):
            print("x", file=terminal, flush=True)
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), theirs)
    assert capsys.readouterr().out == "a line\nanother\nthe last\n"


def test_the_summary_names_the_faults_that_occurred() -> None:
    faults = {"skipped_updates": 3, "worker_restarts": 0, "failed_saves": 1}
    assert "; faults: 3 skipped updates, 1 failed saves; evaluate" in _summary(
        status(60.0)._replace(faults=faults), Path("run")
    )
    assert "faults" not in _summary(status(60.0)._replace(faults={"failed_saves": 0}), Path("run"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained_run(tmp_path_factory.mktemp("runs") / "run")


@contextmanager
def full_disk(folder: Path) -> Iterator[Path]:
    """A disk with room for the names of new files, but for none of their bytes."""
    with mounted(folder / "disk", "size=64k") as disk:
        fill(disk)
        yield disk


@contextmanager
def file_size_limit(folder: Path) -> Iterator[Path]:
    """As after `ulimit -f`: this process may write no file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield folder
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Played:
    """In place of an Evaluator."""

    def __init__(self, *_: object) -> None:
        self.report = EvalReport((EpisodeResult(1_000_000, 12.0, 1000, 0.1),))

    def submit(self, *_: object) -> Played:
        return self

    def completed(self) -> Iterator[EpisodeResult]:
        return iter(self.report.episodes)

    def result(self) -> EvalReport:
        return self.report

    def close(self) -> None:
        pass


def record(*_: object, on_render: Callable[[Any], None], **__: object) -> EpisodeResult:
    """In place of `play`."""
    rng = np.random.default_rng(0)
    for _image in range(8):
        on_render(rng.integers(0, 255, (400, 600, 3), np.uint8))
    return EpisodeResult(1_000_000, 12.0, 1000, 0.1)


@pytest.mark.parametrize(
    ("disk", "reason"), [(full_disk, "No space left on device"), (file_size_limit, "File too large")]
)
def test_a_disk_that_fills_during_the_work_is_one_line(
    disk: Callable[[Path], Any],
    reason: str,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    monkeypatch.setattr(eval_command, "Evaluator", Played)
    monkeypatch.setattr("apexline.cli.play.play", record)
    with disk(tmp_path) as folder:
        before = sorted(folder.iterdir())
        for command, name in (("eval", "a.json"), ("play", "a.gif"), ("export", "a.safetensors")):
            assert main([command, str(run), "--out", str(folder / name)]) == 1
            assert error_line(capsys) == f"apexline: {folder / name}: {reason}"
        assert sorted(folder.iterdir()) == before, "no temporary file stays"


def test_the_report_is_written_before_it_is_printed(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(eval_command, "Evaluator", Played)
    monkeypatch.setattr(eval_command, "print", fail, raising=False)
    assert main(["eval", str(run), "--out", str(tmp_path / "a.json")]) == 141
    assert json.loads((tmp_path / "a.json").read_text())["summary"]["mean"] == 12.0
