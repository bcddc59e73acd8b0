"""The sum tree with a million leaves.

Priorities are small integers, some of them zero, so that sums are exact in any order.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apexline import SumTree
from benchmarks.ratios.workloads.workload import Workload

LEAVES = 1_000_000
BATCH = 256
BATCHES = 4096
"""Batches before their indices repeat: as many indices as leaves, so that none stays in a CPU cache."""
FAN_OUT = 8


def as_nodes(priorities: NDArray[np.float64]) -> NDArray[np.float64]:
    """A copy (nodes, FAN_OUT) in which each node is one cache line, as in the tree."""
    memory = np.empty(len(priorities) + FAN_OUT)
    start = -(memory.ctypes.data // memory.itemsize) % FAN_OUT
    copy = memory[start : start + len(priorities)]
    copy[:] = priorities
    return copy.reshape(-1, FAN_OUT)


class TreeWorkload(Workload):
    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.priorities = self.draw_priorities(LEAVES)
        self.tree = SumTree(LEAVES)
        self.tree[np.arange(LEAVES)] = self.priorities
        self.cumulative = np.cumsum(self.priorities)

    def draw_priorities(self, *shape: int) -> NDArray[np.float64]:
        return self.rng.integers(0, 8, shape).astype(np.float64)

    def strata(self) -> NDArray[np.float64]:
        """Bounds (BATCH + 1,) of the equal parts of the total priority that a batch is sampled from."""
        return np.linspace(0, self.cumulative[-1], BATCH + 1)


class TreeSample(TreeWorkload):
    name = "tree-sample"
    reference_name = "search 256 nodes of eight"

    def __init__(self) -> None:
        super().__init__()
        self._nodes = as_nodes(self.priorities)
        self._places = cycle(self.rng.integers(0, len(self._nodes), (BATCHES, BATCH)))

    def run(self) -> NDArray[np.int64]:
        return self.tree.sample(BATCH)

    def reference(self) -> NDArray[np.int64]:
        cumulative = self._nodes.take(next(self._places), axis=0).cumsum(axis=1)
        found: NDArray[np.int64] = (cumulative <= cumulative[:, -1:] / 2).sum(axis=1)
        return found


class TreeUpdate(TreeWorkload):
    name = "tree-update"
    reference_name = "scatter 256, sum their nodes"

    def __init__(self) -> None:
        super().__init__()
        self.indices = self.rng.integers(0, LEAVES, (BATCHES, BATCH))
        self.updates = self.draw_priorities(BATCHES, BATCH)
        self._batches = cycle(zip(self.indices, self.updates, strict=True))
        self._nodes = as_nodes(self.priorities)

    def run(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        indices, priorities = next(self._batches)
        self.tree[indices] = priorities
        return indices, priorities

    def reference(self) -> NDArray[np.float64]:
        indices, priorities = next(self._batches)
        self._nodes.reshape(-1)[indices] = priorities
        sums: NDArray[np.float64] = self._nodes.take(indices // FAN_OUT, axis=0).sum(axis=1)
        return sums


class TreeFind(TreeWorkload):
    name = "tree-find"
    reference_name = "bisect in 1M"

    def __init__(self) -> None:
        super().__init__()
        self._masses = cycle(self.rng.uniform(0, self.cumulative[-1], LEAVES).tolist())
        self._array = array("d", self.cumulative)

    def run(self) -> tuple[float, int]:
        mass = next(self._masses)
        return mass, self.tree.find(mass)

    def reference(self) -> Any:
        return bisect_right(self._array, next(self._masses))
