"""starr: an array with a sum tree, in Cython."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from starr import SumTreeArray

from benchmarks.peers.works.leaves import BATCH, Tree
from benchmarks.peers.works.protocol import serve


class StarrTree(Tree):
    def fill(self, priorities: NDArray[np.float64]) -> None:
        self.tree = SumTreeArray(priorities)

    def draw(self) -> ArrayLike:
        indices: ArrayLike = self.tree.sample(BATCH)
        return indices

    def put(self, indices: Any, priorities: Any) -> None:
        self.tree[indices] = priorities


if __name__ == "__main__":
    serve({"tree": StarrTree}, ["starr", "numpy"])
