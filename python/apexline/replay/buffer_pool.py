"""Memory for batches, used again as soon as nobody holds the batch that was in it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 64
"""Bytes: a cache line, so that frames can be streamed past the caches."""


class ArraySpec(NamedTuple):
    """An array of a batch, without the batch's axis."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class _Layout(NamedTuple):
    """Where the arrays of a batch lie in its memory."""

    batch_size: int
    nbytes: int
    places: tuple[tuple[tuple[int, ...], np.dtype[Any], int], ...]
    """Shape, dtype and first byte of each."""


class _Lease:
    """What all arrays of a batch have as their base. When the last of them is gone, its memory is free again."""

    def __init__(self, memory: NDArray[np.uint8], owner: Arenas) -> None:
        self.__array_interface__ = memory.__array_interface__
        self._memory = memory
        self._owner = owner

    def __del__(self) -> None:
        self._owner.give_back(self._memory)


class Arenas:
    """Gives the arrays of batches, in memory that goes round.

    A fresh batch of stacked images is megabytes that the system must map and clear page by page, which takes about as
    long as filling it. Where torch was imported and sees a GPU, the memory is pinned.

    Args:
        specs: the arrays of a batch.
    """

    MOST_FREE = 4
    """Batches whose memory is kept while nobody holds them."""

    def __init__(self, specs: Sequence[ArraySpec]) -> None:
        self._specs = tuple(specs)
        self._free: list[NDArray[np.uint8]] = []
        self._layout = _Layout(0, 0, ())

    def arrays(self, batch_size: int) -> list[NDArray[Any]]:
        """Uninitialised arrays `(batch_size, *shape)`, each aligned to a cache line."""
        layout = self._layout
        if layout.batch_size != batch_size:
            layout = self._layout = _lay_out(self._specs, batch_size)
            self._free.clear()
        try:
            memory = self._free.pop()
        except IndexError:
            memory = _allocate(layout.nbytes)
        if memory.size != layout.nbytes:  # another thread asked for another size meanwhile
            memory = _allocate(layout.nbytes)
        whole = np.asarray(_Lease(memory, self))
        return [np.ndarray(shape, dtype, whole, begin) for shape, dtype, begin in layout.places]

    def give_back(self, memory: NDArray[np.uint8]) -> None:
        """Keeps memory of the size last asked for, up to `MOST_FREE` pieces."""
        if memory.size == self._layout.nbytes and len(self._free) < self.MOST_FREE:
            self._free.append(memory)


def _lay_out(specs: Sequence[ArraySpec], batch_size: int) -> _Layout:
    places = []
    end = 0
    for shape, dtype in specs:
        places.append(((batch_size, *shape), dtype, end))
        exact = batch_size * prod(shape) * dtype.itemsize
        end += -(-exact // ALIGNMENT) * ALIGNMENT
    return _Layout(batch_size, end, tuple(places))


def _allocate(nbytes: int) -> NDArray[np.uint8]:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        pinned: NDArray[np.uint8] = torch.empty(nbytes, dtype=torch.uint8, pin_memory=True).numpy()
        return pinned
    memory = np.empty(nbytes + ALIGNMENT, np.uint8)
    begin = -memory.ctypes.data % ALIGNMENT
    return memory[begin : begin + nbytes]
