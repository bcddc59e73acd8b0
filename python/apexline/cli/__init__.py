"""The command line `apexline`."""

from __future__ import annotations

import sys
from importlib import import_module

from apexline import __version__

USAGE = """usage: apexline COMMAND [OPTIONS]

Learns to drive CarRacing-v3 from pixels with DDPG.

commands:
  train   train an agent; leaves a run folder
  eval    score a run, or `pretrained`, on whole unshaped episodes of the stock game
  play    record a image of an agent driving
  export  write a run's weights into a file to share
  info    show versions, hardware, the environment and a preset's networks

apexline COMMAND --help explains every option.
"""


def main(argv: list[str] | None = None) -> int:
    """Runs one command; 0 is success, 1 a failed run, 2 a mistake in the input, 130 Ctrl-C."""
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="")
        return 0 if arguments else 2
    if arguments[0] == "--version":
        print(f"apexline {__version__}")
        return 0
    command, *rest = arguments
    if command not in ("train", "eval", "play", "export", "info"):
        return _fail(f"no command {command!r}; the commands are train, eval, play, export and info")
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
    print(f"apexline: {message}", file=sys.stderr)
    return 2
