"""Signals of the terminal in worker processes that have just begun."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from multiprocessing.connection import Connection

import pytest

from apexline.worker_process import ignore_terminal_signals, start_worker

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
