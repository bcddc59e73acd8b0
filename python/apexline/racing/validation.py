"""Checks of arguments. Every error reads `<argument> is <value>; expected <condition>`."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Sequence

import numpy as np

INT32_MAX = 2**31 - 1
"""Largest integer that the C++ core takes."""


SHOWN = 80
"""Most characters of a value in an error."""


def shown(value: object) -> str:
    """Returns the value for an error, in one short line: of bytes only the number."""
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{type(value).__name__} of length {len(value)}"
    text = re.sub(r"\s*\n\s*", " ", repr(value))
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def require(name: str, value: object, holds: bool, condition: str) -> None:
    """Raises ValueError unless `holds`."""
    if not holds:
        raise ValueError(f"{name} is {shown(value)}; expected {condition}")


def require_integer(
    name: str, value: object, low: int, high: int | None = INT32_MAX, *, none: str = ""
) -> int:
    """Returns the value as an int.

    Raises TypeError if it is no integer and ValueError unless low <= value <= high. `none` is put before the condition,
    as "None or ".
    """
    condition = f"{none}an integer >= {low}" if high is None else f"{none}an integer from {low} to {high}"
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} is {shown(value)}; expected {condition}") from None
    require(name, number, low <= number and (high is None or number <= high), condition)
    return number


def require_size(
    name: str, value: object, low: tuple[int, int], high: tuple[int, int], *, otherwise: str = ""
) -> tuple[int, int]:
    """Returns (height, width) as a tuple of ints.

    Raises TypeError unless the value is a sequence of two integers, and ValueError unless low <= value <= high in both.
    `otherwise` is put before the condition, as "None or ".
    """
    condition = f"{otherwise}(height, width) from {low} to {high}"
    try:
        if not isinstance(value, Sequence | np.ndarray):
            raise TypeError
        height, width = map(operator.index, value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {shown(value)}; expected {condition}") from None
    size = height, width
    require(name, size, low[0] <= height <= high[0] and low[1] <= width <= high[1], condition)
    return size


def require_bool(name: str, value: object) -> None:
    """Raises TypeError unless the value is a bool."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} is {shown(value)}; expected a bool")


def require_positive(name: str, value: object, high: float) -> None:
    """Raises TypeError if the value is no real number and ValueError unless 0 < value <= high."""
    condition = f"a number > 0 and <= {high:g}"
    try:
        holds = 0 < value <= high  # type: ignore[operator]
    except TypeError:
        raise TypeError(f"{name} is {shown(value)}; expected {condition}") from None
    require(name, value, bool(holds), condition)


def require_number(
    name: str, value: object, low: float = -math.inf, high: float = math.inf, *, none: str = ""
) -> None:
    """Raises TypeError if the value is no real number and ValueError unless it is finite and low <= value <= high."""
    condition = f"{none}a finite number" if low == -math.inf else f"{none}a finite number >= {low:g}"
    if high != math.inf:
        condition = f"{none}a number from {low:g} to {high:g}"
    try:
        holds = math.isfinite(value) and low <= value <= high  # type: ignore[arg-type, operator]
    except TypeError:
        raise TypeError(f"{name} is {shown(value)}; expected {condition}") from None
    except OverflowError:  # an integer beyond all floats
        holds = False
    require(name, value, holds, condition)
