"""The command line `apexline`."""

from __future__ import annotations

import errno
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from apexline import __version__
from apexline.cli.output import complain, discard, open_missing_streams, show

USAGE = """usage: apexline COMMAND [OPTIONS]

Trains DDPG agents on CarRacing-v3 from pixels.

commands:
  train   train an agent and write a run folder
  eval    score a policy on unshaped episodes
  play    show or record one episode of a policy
  export  write a run's policy to a weights file
  info    print versions, hardware and a preset's networks

A policy is a run folder, a checkpoint, a weights file or `pretrained`.
apexline COMMAND --help lists the options of a command.
"""
COMMANDS = ("train", "eval", "play", "export", "info")
HELP = ("-h", "--help", "--help-all")
OF_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Errors without a file name that a `print` may raise; those of files name the file."""


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns 0 for success, 1 for a failed run or a file that cannot be written, 2 for invalid input,
    130 for Ctrl-C, 141 if the standard output is a pipe that its reader has closed (`train` continues then)."""
    open_missing_streams()
    try:
        with _flushed_output():
            return _main(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        complain("apexline: interrupted")
        return 128 + signal.SIGINT
    except BrokenPipeError:
        return 128 + signal.SIGPIPE
    except OSError as error:
        if error.filename is None and error.errno not in OF_WRITING:
            raise
        complain(f"apexline: {error.filename or 'standard output'}: {error.strerror}")
        return 1


@contextmanager
def _flushed_output() -> Iterator[None]:
    """Flushes the standard output at the end, also of a command that ends with an error."""
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except OSError as error:
            discard(sys.stdout)  # the interpreter flushes once more at exit
            error.filename = "standard output"
            raise


def _main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="")
        return 0 if arguments else 2
    if arguments[0] == "--version":
        print(f"apexline {__version__}")
        return 0
    command, *rest = arguments
    if command not in COMMANDS:
        return _fail(f"COMMAND is {command}; expected one of {', '.join(COMMANDS)}")
    if command == "train" and not set(HELP) & set(rest):
        show(f"apexline {__version__}: train")  # importing torch takes seconds
    return _run(command, rest)


def _run(command: str, rest: list[str]) -> int:
    try:
        module = import_module(f"apexline.cli.{command}")
        from apexline.racing import WorkerDiedError
        from apexline.training import (
            DivergedError,
            EvaluationWorkerDiedError,
            GpuMemoryError,
            InputError,
            SaveError,
        )
    except ImportError as error:
        missing = error if isinstance(error, ModuleNotFoundError) else error.__cause__
        if not isinstance(missing, ModuleNotFoundError):
            raise
        return _fail(f'{command} needs {missing.name}: pip install "apexline[train]"')
    try:
        module.main(rest)
    except InputError as error:
        return _fail(str(error))
    except (WorkerDiedError, EvaluationWorkerDiedError, DivergedError, GpuMemoryError, SaveError) as error:
        complain(f"apexline: {error}")
        return 1
    return 0


def _fail(message: str) -> int:
    complain(f"apexline: {' '.join(message.splitlines())}")
    return 2
