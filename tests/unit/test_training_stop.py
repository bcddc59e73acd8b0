"""Signals that end a training; real signals, sent to this process or to one that only loads the module."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apexline.training import stop
from apexline.training.stop import SAVING, STILL_SAVING, STOPPING, StopRequest, stop_signals

TIMEOUT = 60
"""Seconds; only ends a test that hangs."""

MODULE = Path(stop.__file__)
PROGRAM = f"""
import hashlib, importlib.util, signal, sys
spec = importlib.util.spec_from_file_location("stop", {str(MODULE)!r})
stop = importlib.util.module_from_spec(spec)
sys.modules["stop"] = stop
spec.loader.exec_module(stop)
signal.signal(signal.SIGINT, signal.default_int_handler)
with stop.stop_signals() as request:
    print("begun", flush=True)
    {{body}}
"""
IN_CPP = 'hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000_000)'
"""Runs for many minutes, releases the interpreter's lock and runs no signal handler, as a call of C++ does."""


@pytest.fixture(autouse=True)
def default_handlers() -> Iterator[None]:
    """Those of a program that was started on a terminal; a test may run where SIGINT is ignored."""
    before = {number: signal.getsignal(number) for number in STOPPING}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def start(body: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=body)], stdout=subprocess.PIPE, stderr=stderr, text=True
    )
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.parametrize("number", STOPPING, ids=lambda number: number.name)
def test_the_first_signal_is_a_request_and_the_second_changes_nothing(number: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in STOPPING]
    announced: queue.Queue[str] = queue.Queue()
    with stop_signals(announced.put) as request:
        assert request.signal is None
        os.kill(os.getpid(), number)
        assert request.signal is number
        assert announced.get(timeout=TIMEOUT) == SAVING
        os.kill(os.getpid(), signal.SIGTERM)
        assert announced.get(timeout=TIMEOUT) == STILL_SAVING
        assert request.signal is number
        assert repr(request) == f"StopRequest(signal={number!r})"
    assert [signal.getsignal(each) for each in STOPPING] == before
    assert signal.set_wakeup_fd(-1) == -1
    assert "stop signals" not in {thread.name for thread in threading.enumerate()}
    assert announced.empty()


def test_the_handlers_are_restored_after_an_exception() -> None:
    before = [signal.getsignal(each) for each in STOPPING]
    with pytest.raises(ZeroDivisionError), stop_signals():
        raise ZeroDivisionError
    assert [signal.getsignal(each) for each in STOPPING] == before


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        (None, KeyboardInterrupt, None),
        (signal.SIGINT, KeyboardInterrupt, None),
        (signal.SIGTERM, SystemExit, 143),
        (signal.SIGHUP, SystemExit, 129),
    ],
)
def test_what_the_training_raises(number: signal.Signals, kind: type[BaseException], code: int) -> None:
    request = StopRequest()
    request.signal = number
    error = request.error()
    assert type(error) is kind
    assert getattr(error, "code", None) == code


def test_an_announcement_that_fails_is_ignored() -> None:
    called = threading.Semaphore(0)

    def fail(_: str) -> None:
        called.release()
        raise BrokenPipeError

    with stop_signals(fail) as request:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGHUP)
            assert called.acquire(timeout=TIMEOUT)
    assert request.signal is signal.SIGHUP


def test_ignored_signals_stay_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with stop_signals() as request:
        os.kill(os.getpid(), signal.SIGHUP)
        assert request.signal is None
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_another_signal_with_a_handler_is_no_request() -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with stop_signals() as request:
            for _ in range(4):
                os.kill(os.getpid(), signal.SIGUSR1)
            assert request.signal is None
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_thread_receives_no_signals() -> None:
    def run() -> None:
        with stop_signals() as request:
            seen.append((request.signal, [signal.getsignal(each) for each in STOPPING]))

    before = [signal.getsignal(each) for each in STOPPING]
    seen: list[object] = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [(None, before)]


@pytest.mark.parametrize(
    "body", [IN_CPP, "import threading; threading.Event().wait()"], ids=["cpp", "python"]
)
def test_the_third_signal_ends_the_process_at_once(body: str) -> None:
    process = start(body)
    for number, line in ((signal.SIGINT, SAVING), (signal.SIGTERM, STILL_SAVING)):
        process.send_signal(number)
        assert process.stderr.readline() == f"{line}\n"
    process.send_signal(signal.SIGHUP)
    assert process.communicate(timeout=TIMEOUT) == ("", "")
    assert process.returncode == 129


@pytest.mark.parametrize("close", [lambda stderr: os.close(stderr), None], ids=["closed", "no reader"])
def test_without_a_standard_error_signals_are_received(close: Callable[[int], None] | None) -> None:
    readable, writable = os.pipe()
    os.close(readable)
    body = (
        "import os; " + ("os.close(2); " if close else "") + "\n    while not request.signal: signal.pause()"
    )
    process = start(body + "\nsys.exit(request.error().code)", stderr=writable)
    os.close(writable)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=TIMEOUT) == 143
    process.stdout.close()
