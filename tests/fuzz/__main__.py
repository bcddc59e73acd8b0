"""Fuzzes the package: `python -m tests.fuzz --seed 1 --count 1000`.

Mutant `number` of `seed` is the same in every run. Each is tried in a child process; one that ends its process, hangs
or fails is written to a folder of `build/fuzz`, from which it can be moved to `tests/fuzz/regressions`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from .child import TARGETS
from .target import mutant, write

ROOT = Path(__file__).parents[2]
FOUND = ROOT / "build" / "fuzz"
MOST_FAILURES = 10
"""Of one kind, after which it is given up."""


def child(name: str, seed: int, first: int, end: int) -> tuple[str, str]:
    """A letter for each mutant that has not failed, and the end of the error output."""
    command = [sys.executable, "-m", "tests.fuzz.child", name, str(seed), str(first), str(end)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    return done.stdout, f"exit status {done.returncode}\n{done.stderr[-5000:]}"


def fuzz(name: str, seed: int, first: int, count: int) -> tuple[int, int]:
    """Tries mutants first, first + 1, ...: the numbers of accepted ones and of failures."""
    accepted = failures = 0
    number, end = first, first + count
    while number < end and failures < MOST_FAILURES:
        results, errors = child(name, seed, number, end)
        accepted += results.count("a")
        number += len(results)
        if number < end:
            failures += 1
            folder = FOUND / f"{name}-{seed}-{number}"
            if not folder.exists():
                write(mutant(TARGETS[name], name, seed, number), folder)
            print(f"{name}: mutant {number} of seed {seed} failed; it is in {folder}\n{errors}", flush=True)
            number += 1
    return accepted, failures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of all mutants")
    parser.add_argument("--count", type=int, default=1000, help="mutants, divided among the kinds")
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant of each kind")
    parser.add_argument(
        "--kind", nargs="*", default=list(TARGETS), choices=list(TARGETS), help="kinds of input"
    )
    given = parser.parse_args()
    failed = 0
    for place, name in enumerate(given.kind):
        count = given.count * (place + 1) // len(given.kind) - given.count * place // len(given.kind)
        begin = time.perf_counter()
        accepted, failures = fuzz(name, given.seed, given.first, count)
        rate = count / (time.perf_counter() - begin) * 3600
        refused = count - accepted - failures
        print(
            f"{name}: {accepted} accepted, {refused} refused, {failures} failed; {rate:,.0f} an hour",
            flush=True,
        )
        failed += failures
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
