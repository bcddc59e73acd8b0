"""A sum tree for sampling in proportion to priorities."""

from __future__ import annotations

from typing import SupportsIndex

from apexline import _core
from apexline.replay.fields import as_integer, as_seed


class SumTree(_core.replay.SumTree):
    """Sum tree over priorities (Schaul et al. 2016, appendix B.2.1): samples indices in proportion to them.

    Leaves and sums are float64. A parent is always recomputed from its children in a fixed order: after any history
    the tree is bit-identical to one built from its leaves. An index of priority zero is never returned. Setting or
    sampling n indices takes O(n log capacity). Safe to call from several threads: calls run one at a time and release
    the GIL. Pickles include the priorities and the state of the random stream.

    `tree[i]` and `tree[i] = p` read and set the priority of one index or of an integer array of indices.

    Args:
        capacity: number of priorities, 1 to 2**40; all are zero at first.
        seed: seed of the random stream of `sample`, 0 to 2**64 - 1.

    Raises:
        ValueError: an argument is out of range.
        TypeError: an argument is no integer.
    """

    __module__ = "apexline"
    __slots__ = ()

    def __init__(self, capacity: SupportsIndex, seed: SupportsIndex = 0) -> None:
        super().__init__(as_integer("capacity", capacity), as_seed(seed))

    @property
    def capacity(self) -> int:
        """Number of priorities, as `len`."""
        return len(self)

    def __repr__(self) -> str:
        return f"<SumTree: capacity={len(self)}, seed={self.seed}, total={self.total}>"
