"""Whether the figures of a soak run stayed flat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MEMORY_TOLERANCE = 0.01
THROUGHPUT_TOLERANCE = 0.05
SHARE_TOLERANCE = 0.02
"""Difference of the processor time per second in two windows above which the machine was shared with other work."""


@dataclass(frozen=True)
class Sample:
    """The training's process tree and its progress at one moment."""

    seconds: float
    """Since the training started."""
    rss: int
    """Resident memory of the training process, bytes."""
    tree_rss: int
    """Resident memory of all processes, bytes; memory that they share is counted in each."""
    files: int
    """Open file descriptors of the training process."""
    tree_files: int
    processes: int
    processor_seconds: float
    """User and system time of all processes since the start, those that have ended included."""
    updates: int


@dataclass(frozen=True)
class Row:
    """A criterion: a figure of the first and the last window."""

    name: str
    first: float
    last: float
    limit: str
    passed: bool

    @property
    def change(self) -> float:
        return self.last / self.first - 1 if self.first else float(self.last != self.first)


def windows(samples: Sequence[Sample], warm_up: float, length: float) -> tuple[list[Sample], list[Sample]]:
    """The samples of the first `length` seconds after the warm-up and of the last ones.

    Raises:
        ValueError: the samples are too few for two windows that do not overlap.
    """
    end = samples[-1].seconds if samples else 0.0
    if end < warm_up + 2 * length:
        raise ValueError(f"the samples end after {end:.0f} s; expected at least {warm_up + 2 * length:.0f}")
    first = [sample for sample in samples if warm_up <= sample.seconds <= warm_up + length]
    last = [sample for sample in samples if sample.seconds >= end - length]
    return first, last


def rate(window: Sequence[Sample]) -> float:
    """Updates per second."""
    return (window[-1].updates - window[0].updates) / (window[-1].seconds - window[0].seconds)


def share(window: Sequence[Sample]) -> float:
    """Processor time per second: 1 is one processor."""
    passed = window[-1].seconds - window[0].seconds
    return (window[-1].processor_seconds - window[0].processor_seconds) / passed


def verdict(samples: Sequence[Sample], warm_up: float, length: float) -> list[Row]:
    """The criteria: memory and open files of the two windows, and throughput.

    Throughput is updates per second. If the training got more or less processor time in one window than in the other,
    because the machine had other work, it is updates per second of processor time.
    """
    first, last = windows(samples, warm_up, length)

    def memory(name: str) -> Row:
        before, after = (
            median(getattr(sample, name) / 2**20 for sample in window) for window in (first, last)
        )
        return Row(f"{name} (MiB)", before, after, "+1%", after <= before * (1 + MEMORY_TOLERANCE))

    def files(name: str) -> Row:
        before, after = (median(getattr(sample, name) for sample in window) for window in (first, last))
        return Row(name, before, after, "+0", after <= before)

    alone = abs(share(last) / share(first) - 1) <= SHARE_TOLERANCE
    rates = rate(first), rate(last)
    efficiencies = rate(first) / share(first), rate(last) / share(last)

    def throughput(name: str, figures: tuple[float, float], counts: bool) -> Row:
        passed = abs(figures[1] / figures[0] - 1) <= THROUGHPUT_TOLERANCE
        return Row(name, *figures, "5%" if counts else "not counted", passed or not counts)

    return [
        memory("rss"),
        memory("tree_rss"),
        files("files"),
        files("tree_files"),
        throughput("updates per second", rates, alone),
        throughput("updates per processor second", efficiencies, not alone),
        Row("processor seconds per second", share(first), share(last), "not counted", True),
    ]


def table(rows: Sequence[Row]) -> str:
    lines = [f"{'':30} {'first':>10} {'last':>10} {'change':>8}  limit"]
    for row in rows:
        result = "" if row.limit == "not counted" else " passed" if row.passed else " FAILED"
        lines.append(
            f"{row.name:30} {row.first:10.3f} {row.last:10.3f} {row.change:+8.2%}  {row.limit}{result}"
        )
    return "\n".join(lines)
