"""Signals that end a training: it saves its state first."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that end a training; Windows has no SIGHUP."""

SAVING = "saving ..."
STILL_SAVING = "saving is in progress; a third signal ends the process without it"


class StopRequest:
    """Whether a signal has asked the training to save its state and end."""

    __slots__ = ("signal",)

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        """The first signal that was received; None: none."""

    def __repr__(self) -> str:
        return f"StopRequest(signal={self.signal!r})"

    def error(self) -> KeyboardInterrupt | SystemExit:
        """What the training raises after it has saved: KeyboardInterrupt for SIGINT or without a signal, otherwise
        SystemExit with the exit code 128 + signal number."""
        if self.signal is None or self.signal == signal.SIGINT:
            return KeyboardInterrupt()
        return SystemExit(128 + self.signal)


def print_at_once(message: str) -> None:
    """Writes the line `message` to the standard error without Python's buffers, which the main thread may be using."""
    newline = "\n" if os.isatty(2) else ""  # a progress bar may be on the line
    os.write(2, f"{newline}{message}\n".encode())


@contextmanager
def stop_signals(announce: Callable[[str], None] = print_at_once) -> Iterator[StopRequest]:
    """Receives SIGINT, SIGTERM and SIGHUP until the block ends; no exception is raised in the block.

    The first signal sets `StopRequest.signal` and announces SAVING. The second announces STILL_SAVING. The third ends
    the process at once, with exit code 128 + signal number. This also holds while the main thread is in a long call of
    C++: a second thread announces and ends. Signals that are ignored at the start, as under nohup, stay ignored. The
    handlers that were set before are restored when the block ends.

    In another thread than the main one, which cannot set handlers, no signal is received. Processes that are forked
    without exec in the block inherit the handlers.

    Args:
        announce: called with each message, in another thread; its exceptions are ignored.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    received, written = socket.socketpair()
    written.setblocking(False)
    thread = threading.Thread(target=_announce, args=(received, announce), name="stop signals", daemon=True)
    thread.start()
    before = {number: signal.getsignal(number) for number in STOPPING}
    wakeup = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, lambda received, _: _set(request, received))
        yield request
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        written.close()
        thread.join()
        received.close()


def _set(request: StopRequest, number: int) -> None:
    if request.signal is None:
        request.signal = signal.Signals(number)


def _announce(received: socket.socket, announce: Callable[[str], None]) -> None:
    """Announces the signals whose numbers arrive as bytes, until the other end is closed."""
    count = 0
    while numbers := received.recv(64):
        for number in numbers:
            if number not in STOPPING:  # other signals that have a handler
                continue
            count += 1
            if count > 2:
                os._exit(128 + number)
            with suppress(Exception):
                announce(SAVING if count == 1 else STILL_SAVING)
