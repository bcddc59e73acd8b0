"""Measures the time of a workload as a multiple of the time of its reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter, process_time

from benchmarks.ratios.workloads.workload import Workload

SECONDS = 1.5
"""Minimum wall-clock time of a measurement."""
ROUND_SECONDS = 0.002
"""Processor time of each side of a round; short, so that both sides run under the same load."""
MIN_ROUNDS = 15


def measure(workload: Workload, repeat: int = 1) -> float:
    """Time of `repeat` calls of `run` over the time of one call of `reference`.

    Both are timed alternately over many short rounds, in processor time of the whole process, since wall-clock time on
    a shared machine includes other processes. Waiting is not counted; no workload should wait.
    """

    def run() -> None:
        for _ in range(repeat):
            workload.run()

    run_calls = _calls_in_a_round(run)
    reference_calls = _calls_in_a_round(workload.reference)
    rounds: list[tuple[float, float]] = []
    end = perf_counter() + SECONDS
    while len(rounds) < MIN_ROUNDS or perf_counter() < end:
        workload.prepare()
        if len(rounds) % 2:
            work, reference = _time(run, run_calls), _time(workload.reference, reference_calls)
        else:
            reference, work = _time(workload.reference, reference_calls), _time(run, run_calls)
        rounds.append((work, reference))
    return robust_ratio(rounds)


def robust_ratio(rounds: Sequence[tuple[float, float]]) -> float:
    """Median of work / reference over `rounds`, which are pairs (seconds of the work, seconds of the reference)."""
    return median(work / reference for work, reference in rounds)


def _calls_in_a_round(work: Callable[[], object]) -> int:
    """Number of calls that take `ROUND_SECONDS`. Warms up as a side effect."""
    calls = 1
    while (seconds := _time(work, calls)) * calls < ROUND_SECONDS / 2:
        calls *= 2
    return max(1, round(ROUND_SECONDS / seconds))


def _time(work: Callable[[], object], calls: int) -> float:
    """Processor seconds per call."""
    start = process_time()
    for _ in range(calls):
        work()
    return (process_time() - start) / calls
