"""The standard output and error of a command, which may be closed, full, or a pipe that nobody reads."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
"""Names in `sys` of the file descriptors 0, 1 and 2, and their modes."""


def open_missing_streams() -> None:
    """Opens the null device as each standard stream that was closed when the process began.

    Otherwise the next file that is opened, such as metrics.csv, would get the number of the standard output.
    """
    for number, (name, mode) in enumerate(STREAMS):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def show(line: str) -> None:
    """Prints `line` to the standard output at once. A line that cannot be written is dropped: it is no reason to end
    a training."""
    _print(line, sys.stdout)


def complain(line: str) -> None:
    """Prints `line` to the standard error, or drops it as `show` does."""
    _print(line, sys.stderr)


def print_warning(message: str) -> None:
    """Prints a warning in one line as `complain` does."""
    complain(f"apexline: warning: {' '.join(message.splitlines())}")


def discard(stream: TextIO) -> None:
    """Drops what is buffered in `stream`, which would be written again by its next flush, at exit at the latest."""
    with suppress(OSError, ValueError):
        number = stream.fileno()
        saved = os.dup(number)
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, number)
            os.close(null)
            stream.flush()
        finally:
            os.dup2(saved, number)
            os.close(saved)


def _print(line: str, stream: TextIO) -> None:
    try:
        print(line, file=stream, flush=True)
    except (OSError, ValueError):
        discard(stream)
