"""sumtree: a sum tree in Rust."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sumtree import SumTree

from benchmarks.peers.works.leaves import BATCH, Tree
from benchmarks.peers.works.protocol import serve


class RustTree(Tree):
    notes = ("batched calls", "takes and returns lists; making them is not timed")

    def fill(self, priorities: NDArray[np.float64]) -> None:
        self.tree = SumTree(len(priorities))
        self.tree.seed(0)
        for priority in priorities.tolist():
            self.tree.add(priority)

    def draw(self) -> ArrayLike:
        indices, _ = self.tree.sample_batched(BATCH)
        drawn: ArrayLike = indices
        return drawn

    def arguments(self, indices: NDArray[np.int64], priorities: NDArray[np.float64]) -> tuple[Any, Any]:
        return indices.tolist(), priorities.tolist()

    def put(self, indices: Any, priorities: Any) -> None:
        self.tree.update_batched(indices, priorities)


if __name__ == "__main__":
    serve({"tree": RustTree}, ["sumtree", "numpy"])
