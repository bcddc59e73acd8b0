"""Unusual arrays as arguments, and what a function of the core does with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

SAME = None
"""Expected of a call that gives the result of the plain arguments."""

Case = tuple[str, Any, Any]
"""Name, value of the argument, and the exception that it raises or `SAME`."""


def spread(array: np.ndarray) -> np.ndarray:
    """The same values, not contiguous."""
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def frozen(array: np.ndarray) -> np.ndarray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def unaligned(array: np.ndarray) -> np.ndarray:
    memory = np.zeros(array.nbytes + 1, np.uint8)[1:]
    memory[:] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return memory.view(array.dtype).reshape(array.shape)


def layouts(array: np.ndarray) -> Iterator[Case]:
    """Inputs of other layout, which are copied."""
    yield "read-only", frozen(array), SAME
    yield "not contiguous", spread(array), SAME
    yield "Fortran order", np.asfortranarray(array), SAME
    yield "unaligned", unaligned(array), SAME


def shapes(array: np.ndarray) -> Iterator[Case]:
    yield "longer", np.concatenate([array, array[:1]]), ValueError
    yield "one axis more", array[..., None], ValueError
    yield "empty", array[:0], ValueError
    yield "without axes", array.reshape(-1)[:1].reshape(()), ValueError


def flags(array: np.ndarray) -> Iterator[Case]:
    yield from layouts(array)
    yield from shapes(array)
    yield "bytes of 255", (array * np.uint8(255)).view(bool), SAME
    yield "a list", array.tolist(), SAME
    for dtype in (np.uint8, np.int64, np.float32, object, "U1"):
        yield f"of dtype {dtype}", array.astype(dtype), TypeError


def exact(array: np.ndarray) -> Iterator[Case]:
    """Of one dtype only."""
    yield from layouts(array)
    yield from shapes(array)
    yield "of another dtype", array.astype(np.float32 if array.dtype == np.float64 else np.float64), TypeError
    yield (
        "of the other byte order",
        array.astype(array.dtype.newbyteorder()),
        SAME if array.itemsize == 1 else TypeError,
    )
    yield "of objects", array.astype(object), TypeError


def indices(array: np.ndarray) -> Iterator[Case]:
    yield from layouts(array)
    yield "a list", array.tolist(), SAME
    yield "unsigned", array.astype(np.uint64), SAME
    yield "of the other byte order", array.astype(array.dtype.newbyteorder()), SAME
    yield "float", array.astype(float), TypeError
    yield "bool", array.astype(bool), TypeError
    yield "strings", array.astype(str), TypeError
    yield "of objects", array.astype(object), TypeError
    for far in (-1, -(2**63), 2**62, 2**63 - 1):
        yield f"with {far}", np.array([*array[:-1], far]), IndexError
    yield "with 2^64 - 1", np.array([*array[:-1], 2**64 - 1], np.uint64), IndexError


def numbers(array: np.ndarray) -> Iterator[Case]:
    yield from layouts(array)
    yield from list(shapes(array))[:3]
    yield "a list", array.tolist(), SAME
    yield "of the other byte order", array.astype(array.dtype.newbyteorder()), SAME
    yield "bool", array.astype(bool), TypeError
    yield "complex", array.astype(complex), TypeError
    yield "strings", array.astype(str), TypeError
    for value in (np.nan, np.inf, -np.inf):
        given = array.copy()
        given[-1] = value
        yield f"with {value}", given, ValueError


def priorities(array: np.ndarray) -> Iterator[Case]:
    yield from numbers(array)
    for value in (-1.0, -5e-324, 1.1e290):
        yield f"with {value}", np.array([*array[:-1], value]), ValueError


def outputs(array: np.ndarray) -> Iterator[Case]:
    """Written, so never copied."""
    yield "as documented", np.zeros_like(array), SAME
    yield "read-only", frozen(array), ValueError
    yield "not contiguous", spread(array), ValueError
    if array.itemsize > 1:
        yield "unaligned", unaligned(array), ValueError
        yield "of the other byte order", array.astype(array.dtype.newbyteorder()), TypeError
    if array.ndim > 1:
        yield "Fortran order", np.asfortranarray(array), ValueError
    yield from shapes(array)
    yield "of another dtype", array.astype(np.float32 if array.dtype == np.float64 else np.float64), TypeError
    yield "a list", array.tolist(), TypeError
