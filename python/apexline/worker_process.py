"""Worker processes that answer over a pipe. A worker that dies or hangs raises an error after a limited time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker, util
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

CONTEXT: SpawnContext = multiprocessing.get_context("spawn")
"""Each worker is a new process and a child of this one: no server between them can hang, and threads are no danger."""
START_SECONDS = 120.0
"""Shortest time limit in seconds for the first answer of a new process, which includes its imports."""
END_SECONDS = 5.0
"""Seconds to wait for the end of a process that was killed or whose pipe broke; usually it takes milliseconds."""
LONGEST_WAIT = 1.0
"""Seconds of a single wait. Only time in which this process runs counts, so that a stop of the whole group (Ctrl-Z) by
this much is no fault of a worker."""

_TERMINAL_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name))
"""Windows has no SIGHUP."""
_main_module_lock = threading.Lock()


class WorkerLostError(RuntimeError):
    """A worker died or hung; it was killed. The message is what happened, such as "was killed by SIGKILL"."""

    def __init__(self, how: str, exitcode: int | None) -> None:
        super().__init__(how)
        self.exitcode = exitcode
        """As in multiprocessing, negative if a signal ended the process; None: it hung."""


class Patience:
    """A time limit for answers: the time that all waits may take together.

    Args:
        seconds: the limit; None: unlimited.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._left = seconds

    def renew(self) -> None:
        """Start again with the whole limit."""
        self._left = self.seconds

    def wait(self, pipe: Connection) -> bool:
        """Wait until `pipe` has an answer or its process has ended; False if the limit is used up before."""
        while True:
            part = LONGEST_WAIT if self._left is None else max(0.0, min(self._left, LONGEST_WAIT))
            began = time.monotonic()
            has_answer = pipe.poll(part)
            self.count(min(part, time.monotonic() - began) if has_answer else part)
            if has_answer or self.is_used_up:
                return has_answer

    def count(self, seconds: float) -> None:
        """Subtract a wait."""
        if self._left is not None:
            self._left -= seconds

    @property
    def is_used_up(self) -> bool:
        """Whether no time is left."""
        return self._left is not None and self._left <= 0


class WorkerProcess:
    """A process and the pipe to it.

    Args:
        process: started.
        pipe: to the process.
        timeout: seconds that a single read or write of the pipe may block, such as that of an answer whose sender was
            stopped in the middle; None: unlimited.
    """

    def __init__(self, process: BaseProcess, pipe: Connection, timeout: float | None) -> None:
        self.process = process
        self.pipe = pipe
        if timeout is not None:
            _limit_blocking(pipe, timeout)
        # At the end of the interpreter, multiprocessing waits for its processes; a stopped one ends by SIGKILL only.
        util.Finalize(self, process.kill, exitpriority=10)

    def send(self, message: object) -> None:
        """Send a request.

        Raises:
            WorkerLostError: the worker has died, or reads nothing.
        """
        try:
            self.pipe.send(message)
        except BlockingIOError:
            raise self.hung("reads no requests") from None
        except OSError as error:
            raise self.died() from error

    def receive(self, patience: Patience) -> Any:
        """Wait for an answer.

        Raises:
            WorkerLostError: the worker has died, or `patience` is used up.
        """
        try:
            if not patience.wait(self.pipe):
                raise self.hung(f"did not answer for {patience.seconds:g} s")
            return self.pipe.recv()
        except BlockingIOError:
            raise self.hung("stopped in the middle of an answer") from None
        except (EOFError, OSError) as error:
            raise self.died() from error

    def hung(self, how: str) -> WorkerLostError:
        """Kill the process and return the error."""
        self.kill()
        return WorkerLostError(how, None)

    def died(self) -> WorkerLostError:
        """The error of a process whose pipe broke."""
        until = time.monotonic() + END_SECONDS
        while (exitcode := self.process.exitcode) is None and time.monotonic() < until:
            self.process.join(0.01)
        self.kill()
        if exitcode is None:
            return WorkerLostError("closed its pipe", -signal.SIGKILL)
        return WorkerLostError(describe_exit(exitcode), exitcode)

    def kill(self) -> None:
        """End the process and close the pipe; waits for END_SECONDS at most."""
        self.process.kill()
        self.process.join(END_SECONDS)
        self.pipe.close()


class WorkerGroup:
    """The running workers of an object, which another thread may end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers: list[WorkerProcess] = []
        self._is_stopped = False

    @property
    def is_stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._is_stopped

    def add(self, worker: WorkerProcess) -> None:
        """Add a worker.

        Raises:
            WorkerLostError: `stop` was called; the worker was killed.
        """
        with self._lock:
            self._workers = [other for other in self._workers if other.process.is_alive()]
            self._workers.append(worker)
            is_stopped = self._is_stopped
        if is_stopped:
            worker.process.kill()
            raise WorkerLostError("was ended", -signal.SIGKILL)

    def stop(self) -> None:
        """Kill all workers, also later ones, without waiting; ends waits for their answers in other threads."""
        with self._lock:
            self._is_stopped = True
            for worker in self._workers:
                worker.process.kill()


def start_worker(
    name: str, target: Callable[..., None], arguments: Callable[[Connection, Connection], tuple[Any, ...]]
) -> tuple[SpawnProcess, Connection]:
    """Start a daemon process, which does not import the program's main module.

    See `starting`.

    Args:
        name: of the process.
        target: called in the process.
        arguments: returns its arguments, given the ends of the pipe: that of the process and that of the caller.

    Returns:
        The process and the caller's end of the pipe.
    """
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=target, name=name, args=arguments(theirs, ours), daemon=True)
    with starting():
        process.start()
    theirs.close()
    return process, ours


def ignore_terminal_signals() -> None:
    """Ignore SIGINT and SIGHUP, which a terminal sends to all processes of a program: its main process handles them."""
    for number in _TERMINAL_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TERMINAL_SIGNALS)


def start_resource_tracker() -> None:
    """Start the process that frees semaphores of multiprocessing, such that a closed terminal does not end it: without
    it, the end of the program prints warnings."""
    with _terminal_signals_blocked():
        pass


@contextmanager
def _terminal_signals_blocked() -> Iterator[None]:
    """Blocks the signals of the terminal in this thread, and so in the processes that it starts."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _TERMINAL_SIGNALS)
    try:
        resource_tracker.ensure_running()  # inherits the block of SIGHUP, and unblocks SIGINT in this thread
        signal.pthread_sigmask(signal.SIG_BLOCK, _TERMINAL_SIGNALS)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def describe_exit(exitcode: int) -> str:
    """What ended a process, such as "was killed by SIGKILL"."""
    if exitcode >= 0:
        return f"exited with code {exitcode}"
    try:
        name = signal.Signals(-exitcode).name
    except ValueError:
        name = f"signal {-exitcode}"
    return f"was killed by {name}"


@contextmanager
def starting() -> Iterator[None]:
    """Where processes start.

    They do not import the program's main module, and signals of the terminal are blocked in them until they call
    `ignore_terminal_signals`: Ctrl-C leaves no traceback of a process that has just begun.
    """
    with _main_module_hidden(), _terminal_signals_blocked():
        yield


@contextmanager
def _main_module_hidden() -> Iterator[None]:
    with _main_module_lock:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


def _limit_blocking(pipe: Connection, seconds: float) -> None:
    """Let a blocked read or write of `pipe` raise BlockingIOError after `seconds`; not on Windows."""
    if sys.platform == "win32":
        return
    limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1e6) or int(seconds < 1))
    with socket.socket(fileno=os.dup(pipe.fileno())) as side:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            side.setsockopt(socket.SOL_SOCKET, option, limit)
