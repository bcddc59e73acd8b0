"""The worker process: prepares one work, then times a burst of a call for each line read, and replies in JSON."""

from __future__ import annotations

import json
import os
import platform
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from time import perf_counter, process_time
from typing import Any

BURST = 0.035
"""Seconds per burst of calls, approximately."""
WARM_UP = 0.5
"""Seconds of calls before the first burst, which determine the number of calls per burst."""


class Work(ABC):
    """Prepared by its constructor. Every call does the same amount of work on different data."""

    notes: Sequence[str] = ()
    """Notes in the table."""
    calls: Sequence[str]
    """Names of the timed methods."""
    facts: Mapping[str, Any] = {}
    """Further columns of the table."""

    @abstractmethod
    def check(self) -> None:
        """Raises AssertionError if the peer does not do the compared work."""


def serve(works: Mapping[str, Callable[[], Work]], packages: Sequence[str], **facts: str) -> None:
    """Runs the work named on the command line until standard input ends.

    Args:
        works: constructors by name.
        packages: distributions whose versions are reported, the peer's first.
        facts: further entries of the versions.
    """
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # output of the libraries goes to standard error, not between the replies

    def reply(message: Mapping[str, Any]) -> None:
        print(json.dumps(message), file=replies, flush=True)

    work = works[sys.argv[1]]()
    work.check()
    sizes = {name: burst_size(getattr(work, name)) for name in work.calls}
    versions = {package: version(package) for package in packages}
    reply(
        {
            "calls": sizes,
            "notes": list(work.notes),
            "versions": versions | {"python": platform.python_version()} | facts,
            **work.facts,
        }
    )
    for line in sys.stdin:
        name = line.strip()
        reply(burst(getattr(work, name), sizes[name]))


def burst_size(call: Callable[[], Any]) -> int:
    """Number of calls that take `BURST` seconds. Warms up as a side effect."""
    begin, count = perf_counter(), 0
    while (elapsed := perf_counter() - begin) < WARM_UP or count < 3:
        call()
        count += 1
    return max(1, round(BURST * count / elapsed))


def burst(call: Callable[[], Any], count: int) -> dict[str, float]:
    """Seconds per call: processor time (all threads of the process together) and wall-clock time."""
    for _ in range(1 + count // 10):  # other workers have replaced the CPU caches
        call()
    clock, processor = perf_counter(), process_time()
    for _ in range(count):
        call()
    return {"cpu": (process_time() - processor) / count, "wall": (perf_counter() - clock) / count}
