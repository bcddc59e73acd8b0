"""The command line `apexline`."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from pathlib import Path

from apexline import __version__

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


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns 0 for success, 1 for a failed run, 2 for invalid input, 130 for Ctrl-C, 141 if
    the standard output is a pipe that its reader has closed."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        try:
            return _main(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        with Path(os.devnull).open("w") as null:  # the interpreter flushes once more at exit
            os.dup2(null.fileno(), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


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
        print(f"apexline {__version__}: train", flush=True)  # importing torch takes seconds
    return _run(command, rest)


def _run(command: str, rest: list[str]) -> int:
    try:
        module = import_module(f"apexline.cli.{command}")
        from apexline.racing import WorkerDiedError
        from apexline.training import EvaluationWorkerDiedError, InputError
    except ImportError as error:
        missing = error if isinstance(error, ModuleNotFoundError) else error.__cause__
        if not isinstance(missing, ModuleNotFoundError):
            raise
        return _fail(f'{command} needs {missing.name}: pip install "apexline[train]"')
    try:
        module.main(rest)
    except InputError as error:
        return _fail(str(error))
    except (WorkerDiedError, EvaluationWorkerDiedError) as error:
        print(f"apexline: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("apexline: interrupted", file=sys.stderr)
        return 130
    return 0


def _fail(message: str) -> int:
    print(f"apexline: {' '.join(message.splitlines())}", file=sys.stderr)
    return 2
