"""Compares a `SumTree` with a NumPy array over a hundred million random operations.

Takes a minute; not collected by pytest. Usage:

    .venv/bin/python tests/by_hand/tree_100m.py --seed 0
    .venv/bin/python tests/by_hand/tree_100m.py --operations 1_000_000 --capacity 4097

An operation is one priority set, sampled or looked up. Every result is checked: leaves and totals bit for bit, samples
by their prefix sums. Raises AssertionError with the seed and the number of the batch if one is wrong.
"""

import argparse
import pickle
import time

import numpy as np

from apexline import SumTree
from apexline._core import isa

OPERATIONS = ["set", "set one value", "zero", "sample", "find", "extremes", "pickle", "clear"]
OFTEN = [0.5, 0.05, 0.1, 0.25, 0.05, 0.03, 0.015, 0.005]


def heavy_tailed(random: np.random.Generator, count: int) -> np.ndarray:
    """Values (count,) near one, some of them a hundred orders of magnitude away."""
    return np.exp(np.clip(random.standard_t(1, size=count) * 3, -600, 600))


class Masses:
    """Prefix sums looked up by `SumTree.sample`, one in each of n equal parts, from NumPy's Philox with its key."""

    def __init__(self, seed: int) -> None:
        before_zero = np.full(
            4, 2**64 - 1, np.uint64
        )  # NumPy increments before its first block, the tree after it
        self._words = np.random.Philox(key=np.array([seed, 0], np.uint64), counter=before_zero)

    def of_sample(self, n: int, total: float) -> np.ndarray:
        uniform = (self._words.random_raw(n) >> np.uint64(11)) * 2.0**-53
        return (np.arange(n) + uniform) * (total / n)


def total_of(leaves: np.ndarray) -> float:
    """Sum of all leaves, eight neighbours at a time, in the order of the tree."""
    sums = leaves
    while len(sums) > 1:
        sums = np.pad(sums, (0, -len(sums) % 8)).reshape(-1, 8)
        for _ in range(3):
            sums = sums[:, 0::2] + sums[:, 1::2]
        sums = sums[:, 0]
    return float(sums[0])


def check_found(leaves: np.ndarray, found: np.ndarray, masses: np.ndarray, total: float) -> None:
    assert (leaves[found] > 0).all(), "a leaf of priority zero was sampled"
    ends = np.cumsum(leaves)
    rounded_by = total * 1e-16 * (len(leaves) + 8)
    assert (masses <= ends[found] + rounded_by).all(), "a sampled leaf ends before its prefix sum"
    assert (masses >= ends[found] - leaves[found] - rounded_by).all(), (
        "a sampled leaf starts after its prefix sum"
    )


def run(operations: int, capacity: int, batch_size: int, seed: int) -> None:
    random, masses = np.random.default_rng(seed), Masses(seed)
    tree, leaves = SumTree(capacity, seed), np.zeros(capacity)
    total, done, batch, begin, printed = 0.0, 0, 0, time.monotonic(), 0
    while done < operations:
        operation = random.choice(OPERATIONS, p=OFTEN)
        count = int(random.integers(1, 2 * batch_size))
        indices = random.integers(0, capacity if random.random() < 0.5 else min(capacity, 100), count)
        try:
            if operation in ("set", "set one value", "zero"):
                priorities = {"set": heavy_tailed(random, count), "zero": np.zeros(count)}.get(
                    operation, np.full(count, 2.5)
                )
                tree[indices] = priorities[0] if operation == "set one value" else priorities
                last_first, places = np.unique(indices[::-1], return_index=True)
                leaves[last_first] = priorities[::-1][places]
                total = total_of(leaves)
            elif operation == "pickle":
                tree, count = pickle.loads(pickle.dumps(tree)), 1
            elif operation == "clear":
                tree.clear()
                leaves[:], total, count = 0.0, 0.0, 1
            elif total > 0 and operation == "sample":
                check_found(leaves, tree.sample(count), masses.of_sample(count, total), total)
            elif total > 0 and operation == "find":
                count = min(count, 200)
                looked_up = np.minimum(random.random(count) * total, np.nextafter(total, 0))
                check_found(leaves, np.array([tree.find(mass) for mass in looked_up]), looked_up, total)
            elif total > 0 and operation == "extremes":
                positive, count = leaves[leaves > 0], 1
                assert (tree.min(), tree.max()) == (positive.min(), positive.max()), "min or max is wrong"
            assert tree.total.hex() == total.hex(), f"the total is {tree.total!r}; expected {total!r}"
            if batch % 20 == 0:
                assert (tree[np.arange(capacity)] == leaves).all(), "a leaf is wrong"
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, batch {batch} ({operation} of {count}): {error}") from error
        done, batch = done + count, batch + 1
        if 10 * done // operations > printed:
            printed = 10 * done // operations
            print(f"{done:>12,} operations  {time.monotonic() - begin:7.1f} s", flush=True)
    print(f"{done:,} operations in {batch:,} batches agree ({isa()}, capacity {capacity:,}, seed {seed})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--operations", type=int, default=100_000_000)
    parser.add_argument("--capacity", type=int, default=100_003)
    parser.add_argument("--batch-size", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    run(arguments.operations, arguments.capacity, arguments.batch_size, arguments.seed)
