"""The work of the trees: a million priorities, batches of 256 at different indices in every call."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.peers.works.protocol import Work

MILLION = 1_000_000
BATCH = 256
BATCHES = 4096
"""Batches of updates before they repeat: as many indices as leaves, so that none stays in a CPU cache."""


def draw_priorities(rng: np.random.Generator, *shape: int) -> NDArray[np.float64]:
    """Priorities as in prioritized replay: (|error| + 0.01)^0.6 of normal errors."""
    priorities: NDArray[np.float64] = (np.abs(rng.standard_normal(shape)) + 0.01) ** 0.6
    return priorities


class Tree(Work):
    """A peer implements how its tree is filled, sampled and updated, and may convert the arguments."""

    calls = ("sample", "update")
    leaves = MILLION

    def __init__(self) -> None:
        np.random.seed(0)  # noqa: NPY002 - the generator of most peers
        rng = np.random.default_rng(0)
        self.priorities = draw_priorities(rng, self.leaves)
        self.fill(self.priorities)
        places = rng.integers(0, self.leaves, (BATCHES, BATCH))
        updates = draw_priorities(rng, BATCHES, BATCH)
        self._batches = cycle([self.arguments(*batch) for batch in zip(places, updates, strict=True)])

    @abstractmethod
    def fill(self, priorities: NDArray[np.float64]) -> None:
        """Creates a tree with these leaves."""

    @abstractmethod
    def draw(self) -> ArrayLike:
        """Indices of `BATCH` leaves, each sampled in proportion to its priority."""

    @abstractmethod
    def put(self, indices: Any, priorities: Any) -> None:
        """Sets priorities."""

    def arguments(self, indices: NDArray[np.int64], priorities: NDArray[np.float64]) -> tuple[Any, Any]:
        """The arguments in types that `put` takes without conversion."""
        return indices, priorities

    def sample(self) -> ArrayLike:
        """Samples a batch."""
        return self.draw()

    def update(self) -> None:
        """Sets the priorities of a batch."""
        self.put(*next(self._batches))

    def check(self) -> None:
        batches = [np.asarray(self.draw(), np.int64) for _ in range(40)]
        assert all(batch.shape == (BATCH,) for batch in batches), "a batch has another size"
        drawn = np.stack(batches)
        assert ((drawn >= 0) & (drawn < self.leaves)).all(), "an index is out of range"
        mean = self.priorities[drawn].mean() / (np.square(self.priorities).sum() / self.priorities.sum())
        assert abs(mean - 1) < 0.03, f"sampled priorities are {mean:.3f} times their expected mean"
        stratified = bool((np.diff(drawn, axis=1) >= 0).all())
        self.notes = (*self.notes, "stratified sampling" if stratified else "independent sampling")

        heavy = np.random.default_rng(1).choice(self.leaves, BATCH, replace=False)
        self.put(*self.arguments(heavy, np.full(BATCH, self.priorities.sum())))
        assert self._share(heavy) > 0.9, "leaves with a large priority are not sampled"
        self.put(*self.arguments(heavy, self.priorities[heavy]))
        assert self._share(heavy) < 0.1, "leaves with a small priority are sampled"

    def _share(self, leaves: Sequence[int] | NDArray[np.int64]) -> float:
        return float(np.isin(np.stack([np.asarray(self.draw()) for _ in range(8)]), leaves).mean())
