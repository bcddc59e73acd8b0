"""A worker: makes one work ready, then times a burst of its calls for each line it reads, and answers in JSON."""

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
"""Seconds that a burst of calls is meant to take."""
WARM_UP = 0.5
"""Seconds of calls before the first burst, which also tell how many calls make a burst."""


class Work(ABC):
    """Set up when it is made; every call does the same amount of work on fresh data."""

    notes: Sequence[str] = ()
    """What the table must say of it."""
    calls: Sequence[str]
    """The methods that can be timed."""
    facts: Mapping[str, Any] = {}
    """What else the table must know."""

    @abstractmethod
    def check(self) -> None:
        """Raises AssertionError where the peer does not do what is compared."""


def serve(works: Mapping[str, Callable[[], Work]], packages: Sequence[str], **facts: str) -> None:
    """Runs the work named on the command line until standard input ends.

    Args:
        works: by name.
        packages: distributions whose versions are told, the peer's first.
        facts: what else belongs to the versions.
    """
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not come between the replies

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
    """How many calls take `BURST`; warms up."""
    begin, count = perf_counter(), 0
    while (elapsed := perf_counter() - begin) < WARM_UP or count < 3:
        call()
        count += 1
    return max(1, round(BURST * count / elapsed))


def burst(call: Callable[[], Any], count: int) -> dict[str, float]:
    """Seconds a call, by the processor (all threads of the process together) and by the clock."""
    for _ in range(1 + count // 10):  # other processes had the caches meanwhile
        call()
    clock, processor = perf_counter(), process_time()
    for _ in range(count):
        call()
    return {"cpu": (process_time() - processor) / count, "wall": (perf_counter() - clock) / count}
