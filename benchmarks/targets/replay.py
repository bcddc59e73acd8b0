"""`python -m benchmarks.targets.replay`: the replay's targets and what is measured, as ratios of wall-clock times.

The replay holds 100,000 transitions of observations (4, 84, 84) uint8 in 8 ring buffers, with n-step 3 and batches of
256. The calls of a ratio are timed alternately; a figure is the median over the rounds. Needs 4 GiB and two minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter, sleep

import numpy as np
from numpy.typing import NDArray

from apexline import SumTree, _core
from benchmarks.machine import here_and_now, versions
from benchmarks.ratios.workloads.replay import NUM_ENVS, FilledReplay, random_frames, take_stacks

STEPS = 12_500
SIDE = 84
STACK = 4
BATCH = 256
ROUNDS = 100
CONSUMER_SECONDS = 0.005

Call = Callable[[], object]


def main() -> None:
    """Measures and prints a Markdown table."""
    print(f"{here_and_now()}; ISA {_core.isa()}; {versions()}\n")
    print("| what | measured | target |\n|---|---|---|")
    _row("tree of 16M leaves / of 1M: sample, update", _tree_sizes(), "at most 3")
    frames = random_frames(STEPS, SIDE)
    replays = {
        name: FilledReplay(frames, capacity=STEPS * NUM_ENVS, frame_stack=STACK, **options)
        for name, options in {
            "plain": {"num_threads": 1},
            "shifted": {"num_threads": 1, "shift": 4},
            "two threads": {"num_threads": 2},
        }.items()
    }
    outs = {name: filled.replay.empty_batch(BATCH) for name, filled in replays.items()}

    def sample(name: str) -> Call:
        return lambda: replays[name].replay.sample(BATCH, out=outs[name])

    take = take_stacks(frames, STACK, BATCH)
    plain, shifted, taken = _seconds([sample("plain"), sample("shifted"), take])
    _row("sample / np.take of the same frames", [median(plain / taken)], "at most 1.1 (later 0.8)")
    _row("shifted sample / plain", [median(shifted / plain)], "at most 1.25")
    print(f"| sample, shifted, take | {_times(plain, shifted, taken)} | |")
    for pause in (0.0, 0.001):
        one, two = _seconds([sample("plain"), sample("two threads")], pause)
        _row(f"one thread / two, {pause * 1000:.0f} ms between calls", [median(one / two)], "at least 1.6")
    _add_row()
    with replays["plain"].replay.prefetch(BATCH, depth=2) as batches:
        next(batches)
        _row(
            "share of its time that a consumer with 5 ms per batch waits",
            [_waiting(lambda: next(batches))],
            "at most 0.05",
        )
    _row("the same without prefetching", [_waiting(sample("plain"))], "")


def _row(what: str, figures: list[float], target: str) -> None:
    print(f"| {what} | {', '.join(f'{figure:.3g}' for figure in figures)} | {target} |", flush=True)


def _times(*seconds: NDArray[np.float64]) -> str:
    return ", ".join(f"{1e3 * median(each):.3f} ms" for each in seconds)


def _seconds(calls: list[Call], pause: float = 0.0, repeats: int = 3) -> list[NDArray[np.float64]]:
    """Seconds per call: for each call an array (ROUNDS,)."""
    seconds = np.empty((len(calls), ROUNDS))
    for turn in range(ROUNDS):
        for i, call in enumerate(calls):
            call()
            spent = 0.0
            for _ in range(repeats):
                sleep(pause)
                begin = perf_counter()
                call()
                spent += perf_counter() - begin
            seconds[i, turn] = spent / repeats
    return list(seconds)


def _tree_sizes() -> list[float]:
    rng = np.random.default_rng(0)
    calls: list[Call] = []
    for leaves in (1_000_000, 16_000_000):
        tree = SumTree(leaves)
        tree[np.arange(leaves)] = rng.random(leaves)
        batches = iter(
            [*zip(rng.integers(0, leaves, (6_000, BATCH)), rng.random((6_000, BATCH)), strict=True)] * 20
        )
        calls.append(lambda tree=tree: tree.sample(BATCH))  # type: ignore[misc]
        calls.append(lambda tree=tree, batches=batches: tree.__setitem__(*next(batches)))  # type: ignore[misc]
    sample, update, large_sample, large_update = _seconds(calls, repeats=200)
    return [median(large_sample / sample), median(large_update / update)]


def _add_row() -> None:
    num_envs, slots = 16, 2_000
    frames = np.random.default_rng(0).integers(0, 256, (32, num_envs, SIDE, SIDE), np.uint8)
    filled = FilledReplay(frames, capacity=slots * num_envs, frame_stack=STACK, num_threads=1)
    ring = np.ones((num_envs, slots, SIDE, SIDE), np.uint8)
    steps = iter(range(10**9))

    def copy() -> None:
        step = next(steps)
        ring[:, step % slots] = frames[step % len(frames)]

    add, copied = _seconds([filled.step, copy], repeats=50)
    _row("add for 16 environments, us beyond twice the copy", [1e6 * median(add - 2 * copied)], "at most 10")
    print(f"| add, copy | {1e6 * median(add):.1f} us, {1e6 * median(copied):.1f} us | |")


def _waiting(take: Call, batches: int = 400) -> float:
    waited = 0.0
    begin = perf_counter()
    for _ in range(batches):
        requested = perf_counter()
        take()
        received = perf_counter()
        waited += received - requested
        while perf_counter() - received < CONSUMER_SECONDS:
            pass
    return waited / (perf_counter() - begin)


if __name__ == "__main__":
    main()
