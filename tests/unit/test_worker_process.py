"""Worker processes: time limits, groups, and signals of the terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from multiprocessing.connection import Connection
from typing import Any

import pytest

from apexline.worker_process import (
    Patience,
    WorkerGroup,
    WorkerLostError,
    WorkerProcess,
    ignore_terminal_signals,
    start_worker,
)

TERMINAL = {signal.SIGINT, signal.SIGHUP}


def report(pipe: Connection) -> None:
    """Runs in the worker: reports which signals are blocked, before and after a signal of each kind is ignored."""
    pipe.send(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    for number in TERMINAL:
        os.kill(os.getpid(), number)
    ignore_terminal_signals()
    for number in TERMINAL:
        os.kill(os.getpid(), number)
    pipe.send(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    pipe.close()


def test_signals_of_the_terminal_reach_no_worker() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    process, pipe = start_worker("reporter", report, lambda theirs, _: (theirs,))
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
    assert pipe.recv() >= TERMINAL
    assert not pipe.recv() & TERMINAL
    process.join()
    assert process.exitcode == 0


@pytest.mark.parametrize("started_by", ["start_resource_tracker()", "start_worker('', print, lambda *_: ())"])
def test_the_process_that_frees_semaphores_outlives_the_terminal(started_by: str) -> None:
    program = (
        "from multiprocessing import resource_tracker; from apexline.worker_process import *\n"
        f"{started_by}\n"
        "print(open(f'/proc/{resource_tracker._resource_tracker._pid}/status').read())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    (blocked,) = (int(line.split()[1], 16) for line in done.stdout.splitlines() if line.startswith("SigBlk"))
    assert blocked & 1 << (signal.SIGHUP - 1)


class StoppedPipe:
    """Gets no answer; during each wait, this process is stopped for a minute."""

    def __init__(self) -> None:
        self.time = 0.0
        self.waits: list[float] = []

    def poll(self, timeout: float) -> bool:
        self.waits.append(timeout)
        self.time += timeout + 60
        return False


def test_time_in_which_this_process_is_stopped_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe: Any = StoppedPipe()
    monkeypatch.setattr("time.monotonic", lambda: pipe.time)
    patience = Patience(2.5)
    assert not patience.wait(pipe)
    assert pipe.waits == [1, 1, 0.5]
    assert patience.is_used_up
    patience.renew()
    assert not patience.wait(pipe)
    assert pipe.waits == [1, 1, 0.5] * 2


def test_a_group_that_is_stopped_kills_workers_that_start_later() -> None:
    group = WorkerGroup()
    workers = [
        WorkerProcess(*start_worker("reporter", report, lambda theirs, _: (theirs,)), timeout=None)
        for _ in range(2)
    ]
    group.add(workers[0])
    group.stop()
    with pytest.raises(WorkerLostError, match="was ended"):
        group.add(workers[1])
    for worker in workers:
        worker.process.join()
        assert worker.process.exitcode == -signal.SIGKILL
        with pytest.raises(WorkerLostError, match="was killed by SIGKILL"):
            worker.receive(Patience(None))
