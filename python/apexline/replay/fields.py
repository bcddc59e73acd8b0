"""Shapes, dtypes and scalars as the replay's arguments give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import index
from typing import Any, NamedTuple, SupportsFloat, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike


class Field(NamedTuple):
    """One value per step: its shape and dtype, without the axis of environments or of a batch."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __repr__(self) -> str:
        return f"({self.shape}, {self.dtype.name})"


def as_integer(name: str, value: SupportsIndex) -> int:
    """Converts an integer of any type, NumPy's included.

    Raises:
        TypeError: `value` is no integer.
    """
    try:
        return index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}; expected an integer") from None


def as_seed(seed: SupportsIndex) -> int:
    """Converts a seed of 64 bits.

    Raises:
        TypeError: it is no integer.
        ValueError: it is out of range.
    """
    value = as_integer("seed", seed)
    if not 0 <= value < 2**64:
        raise ValueError(f"seed is {value}; expected from 0 to 2**64 - 1")
    return value


def as_float(name: str, value: SupportsFloat) -> float:
    """Converts a number of any type, NumPy's included.

    Raises:
        TypeError: `value` is no number.
    """
    if not isinstance(value, SupportsFloat):
        raise TypeError(f"{name} is {value!r}; expected a number")
    return float(value)


def as_shape(name: str, shape: Sequence[SupportsIndex]) -> tuple[int, ...]:
    """Converts a sequence of integers.

    Raises:
        TypeError: `shape` is none.
    """
    try:
        if isinstance(shape, bytes | bytearray):  # which iterate as integers
            raise TypeError
        return tuple(map(index, shape))
    except TypeError:
        raise TypeError(f"{name} is {shape!r}; expected a sequence of integers") from None


def as_number_dtype(name: str, dtype: DTypeLike) -> np.dtype[Any]:
    """Converts the dtype of a boolean, integer or float of at most 8 bytes in native byte order.

    Raises:
        ValueError: it is another one.
    """
    checked = np.dtype(dtype)
    if checked.kind not in "biuf" or checked.itemsize > 8 or not checked.isnative:
        raise ValueError(
            f"{name} is {checked}; expected a boolean, integer or float dtype of at most 8 bytes"
        )
    return checked


def as_fields(extras: Mapping[str, tuple[Sequence[SupportsIndex], DTypeLike]]) -> dict[str, Field]:
    """Converts the argument `extras`.

    Raises:
        TypeError: a name is no string, a value no pair or a shape no sequence of integers.
        ValueError: a dtype is not a number's.
    """
    fields = {}
    for name, given in extras.items():
        if not isinstance(name, str):
            raise TypeError(f"extras has the name {name!r}; expected a string")
        try:
            shape, dtype = given
        except (TypeError, ValueError):
            raise TypeError(f"extras[{name!r}] is {given!r}; expected (shape, dtype)") from None
        fields[name] = Field(
            as_shape(f"the shape of extras[{name!r}]", shape),
            as_number_dtype(f"the dtype of extras[{name!r}]", dtype),
        )
    return fields
