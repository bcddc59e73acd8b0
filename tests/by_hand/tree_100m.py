"""A hundred million random operations on a `SumTree`, each batch of them held against a NumPy array.

Takes a minute, so pytest does not collect it. To run it:

    .venv/bin/python tests/by_hand/tree_100m.py --seed 0
    .venv/bin/python tests/by_hand/tree_100m.py --operations 1_000_000 --capacity 4097

An operation is one priority set, drawn or looked up. Every answer is checked: leaves and totals bit for bit, a draw by
the mass that it was drawn with. Ends with an AssertionError that names the seed and the batch where one is wrong.
"""

import argparse
import pickle
import time

import numpy as np

from apexline import SumTree
from apexline._core import isa

OPERATIONS = ["set", "set one value", "zero", "draw", "find", "extremes", "pickle", "clear"]
OFTEN = [0.5, 0.05, 0.1, 0.25, 0.05, 0.03, 0.015, 0.005]


def heavy_tailed(random: np.random.Generator, count: int) -> np.ndarray:
    """Most near one, some a hundred orders of magnitude away."""
    return np.exp(np.clip(random.standard_t(1, size=count) * 3, -600, 600))


class Masses:
    """What `SumTree.sample` looks up: a mass in each of n equal parts, from NumPy's Philox under the same key."""

    def __init__(self, seed: int) -> None:
        before_zero = np.full(
            4, 2**64 - 1, np.uint64
        )  # NumPy increments before its first block, the tree after it
        self._words = np.random.Philox(key=np.array([seed, 0], np.uint64), counter=before_zero)

    def draw(self, n: int, total: float) -> np.ndarray:
        uniform = (self._words.random_raw(n) >> np.uint64(11)) * 2.0**-53
        return (np.arange(n) + uniform) * (total / n)


def total_of(leaves: np.ndarray) -> float:
    """Eight neighbours at a time, in the order in which the tree adds them."""
    sums = leaves
    while len(sums) > 1:
        sums = np.pad(sums, (0, -len(sums) % 8)).reshape(-1, 8)
        for _ in range(3):
            sums = sums[:, 0::2] + sums[:, 1::2]
        sums = sums[:, 0]
    return float(sums[0])


def check_drawn(leaves: np.ndarray, drawn: np.ndarray, masses: np.ndarray, total: float) -> None:
    assert (leaves[drawn] > 0).all(), "a leaf of priority zero was drawn"
    ends = np.cumsum(leaves)
    rounded_by = total * 1e-16 * (len(leaves) + 8)
    assert (masses <= ends[drawn] + rounded_by).all(), "a draw lies before its mass"
    assert (masses >= ends[drawn] - leaves[drawn] - rounded_by).all(), "a draw lies behind its mass"


def run(operations: int, capacity: int, batch_size: int, seed: int) -> None:
    random, masses = np.random.default_rng(seed), Masses(seed)
    tree, leaves = SumTree(capacity, seed), np.zeros(capacity)
    total, done, batch, begin, told = 0.0, 0, 0, time.monotonic(), 0
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
            elif total > 0 and operation == "draw":
                check_drawn(leaves, tree.sample(count), masses.draw(count, total), total)
            elif total > 0 and operation == "find":
                count = min(count, 200)
                looked_up = np.minimum(random.random(count) * total, np.nextafter(total, 0))
                check_drawn(leaves, np.array([tree.find(mass) for mass in looked_up]), looked_up, total)
            elif total > 0 and operation == "extremes":
                positive, count = leaves[leaves > 0], 1
                assert (tree.min(), tree.max()) == (positive.min(), positive.max()), "min or max is wrong"
            assert tree.total.hex() == total.hex(), f"the total is {tree.total!r}; expected {total!r}"
            if batch % 20 == 0:
                assert (tree[np.arange(capacity)] == leaves).all(), "a leaf is wrong"
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, batch {batch} ({operation} of {count}): {error}") from error
        done, batch = done + count, batch + 1
        if 10 * done // operations > told:
            told = 10 * done // operations
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
