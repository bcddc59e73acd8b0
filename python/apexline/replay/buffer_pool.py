"""Memory of batches, reused after the last reference to a batch is gone."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from apexline.replay.fields import Field

ALIGNMENT = 64
"""Bytes: one cache line, so that frames can be written with streaming stores."""


class _Layout(NamedTuple):
    """Placement of the arrays of a batch in one block of memory."""

    batch_size: int
    nbytes: int
    places: tuple[tuple[tuple[int, ...], np.dtype[Any], int], ...]
    """Shape, dtype and byte offset of each array."""


class _Lease:
    """Base object of all arrays of one batch. It is deleted with the last of them and then releases their memory."""

    def __init__(self, memory: NDArray[np.uint8], pool: BufferPool) -> None:
        self.__array_interface__ = memory.__array_interface__
        self._memory = memory
        self._pool = pool

    def __del__(self) -> None:
        self._pool.release(self._memory)


class BufferPool:
    """Allocates the arrays of batches and reuses their memory.

    A new batch of stacked images takes megabytes, and mapping and clearing their pages takes about as long as filling
    them.

    Args:
        fields: arrays of a batch, without its axis.
        pinned: allocate page-locked memory through torch if torch finds a GPU.
    """

    MAX_FREE = 4
    """Released blocks that are kept."""

    def __init__(self, fields: Sequence[Field], *, pinned: bool = False) -> None:
        self._fields = tuple(fields)
        self._pinned = pinned
        self._free: list[NDArray[np.uint8]] = []
        self._layout = _Layout(0, 0, ())

    def acquire(self, batch_size: int) -> list[NDArray[Any]]:
        """Uninitialized arrays `(batch_size, *shape)`, each aligned to a cache line.

        Raises:
            ImportError: the pool is pinned and torch is not installed.
        """
        layout = self._layout
        if layout.batch_size != batch_size:
            layout = self._layout = _lay_out(self._fields, batch_size)
            self._free.clear()
        try:
            memory = self._free.pop()
        except IndexError:
            memory = self._allocate(layout.nbytes)
        if memory.size != layout.nbytes:  # another thread has changed the batch size
            memory = self._allocate(layout.nbytes)
        block = np.asarray(_Lease(memory, self))
        return [np.ndarray(shape, dtype, block, begin) for shape, dtype, begin in layout.places]

    def release(self, memory: NDArray[np.uint8]) -> None:
        """Keeps a block for the next batch of the same size, up to `MAX_FREE` blocks."""
        if memory.size == self._layout.nbytes and len(self._free) < self.MAX_FREE:
            self._free.append(memory)

    def _allocate(self, nbytes: int) -> NDArray[np.uint8]:
        return _allocate_pinned(nbytes) if self._pinned else _allocate(nbytes)


def _lay_out(fields: Sequence[Field], batch_size: int) -> _Layout:
    places = []
    end = 0
    for shape, dtype in fields:
        places.append(((batch_size, *shape), dtype, end))
        nbytes = batch_size * prod(shape) * dtype.itemsize
        end += -(-nbytes // ALIGNMENT) * ALIGNMENT
    return _Layout(batch_size, end, tuple(places))


def _allocate(nbytes: int) -> NDArray[np.uint8]:
    memory = np.empty(nbytes + ALIGNMENT, np.uint8)
    begin = -memory.ctypes.data % ALIGNMENT
    return memory[begin : begin + nbytes]


def _allocate_pinned(nbytes: int) -> NDArray[np.uint8]:
    import torch

    if not torch.cuda.is_available():
        return _allocate(nbytes)
    memory: NDArray[np.uint8] = torch.empty(nbytes, dtype=torch.uint8, pin_memory=True).numpy()
    return memory
