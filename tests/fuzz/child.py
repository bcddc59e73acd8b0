"""Tries mutants one after another; a program, since what it looks for ends a process or never returns.

Prints `a` for each that is accepted and `r` for each that is refused, before the next one is tried.
"""

from __future__ import annotations

import faulthandler
import sys
import tempfile
import warnings
from pathlib import Path

from . import env_states, racing_calls, replay_calls, replay_files, training_files
from .target import Target, mutant, write

TARGETS: dict[str, Target] = {
    **replay_files.TARGETS,
    **replay_calls.TARGETS,
    **env_states.TARGETS,
    **racing_calls.TARGETS,
    **training_files.TARGETS,
}
LIMIT = 120
"""Seconds after which a mutant is taken to hang: thousands of times what one takes."""


def main(name: str, seed: int, first: int, end: int) -> None:
    faulthandler.enable()
    warnings.simplefilter("error")
    target = TARGETS[name]
    for number in range(first, end):
        faulthandler.dump_traceback_later(LIMIT, exit=True)
        with tempfile.TemporaryDirectory() as folder:
            write(mutant(target, name, seed, number), Path(folder))
            accepted = target.run(Path(folder))
        print("a" if accepted else "r", end="", flush=True)
    faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
