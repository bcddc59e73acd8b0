"""Vec2: a pair of float32 numbers with the interface and the rounding of Box2D's b2Vec2."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from ctypes import c_float
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

Pair = tuple[float, float]
Reduced = tuple[Any, ...]
NUMBER: Any = (int, float, np.number)

_EPSILON = 2.0**-23
"""Normalize leaves shorter vectors as they are (b2_epsilon)."""


def float32(value: float) -> float:
    """Rounds to float32. Applied after each operation on float32 numbers, it gives what float32 arithmetic gives."""
    return c_float(value).value


def pair_of(vector: Any) -> Pair:
    """Returns the float32 numbers of a Vec2, tuple, list or array of two. Raises TypeError unless it is one."""
    if isinstance(vector, Vec2):
        return vector.tuple
    try:
        x, y = vector
        return float32(x), float32(y)
    except (TypeError, ValueError):
        raise TypeError(f"the vector is {vector!r}; expected two numbers") from None


class Vec2:
    """A vector with the interface of Box2D's b2Vec2: `x`, `y`, indexing, arithmetic, `length`, `dot`, ...

    Args:
        x, y: two numbers, or one pair of numbers; (0, 0) by default.
    """

    __slots__ = ("_x", "_y")
    __hash__ = object.__hash__

    def __init__(self, x: Any = None, y: float | None = None) -> None:
        self._put(*((0.0, 0.0) if x is None else pair_of(x if y is None else (x, y))))

    @property
    def tuple(self) -> Pair:
        """Both numbers."""
        return self._x, self._y

    def _put(self, x: float, y: float) -> None:
        self._x, self._y = float32(x), float32(y)

    @property
    def x(self) -> float:
        """The first number."""
        return self.tuple[0]

    @x.setter
    def x(self, value: float) -> None:
        self._put(value, self.tuple[1])

    @property
    def y(self) -> float:
        """The second number."""
        return self.tuple[1]

    @y.setter
    def y(self, value: float) -> None:
        self._put(self.tuple[0], value)

    def __getitem__(self, index: int) -> float:
        if index not in (0, 1):
            raise IndexError(f"index is {index}; expected 0 or 1")
        return self.tuple[index]

    def __setitem__(self, index: int, value: float) -> None:
        if index not in (0, 1):
            raise IndexError(f"index is {index}; expected 0 or 1")
        x, y = self.tuple
        self._put(*((value, y) if index == 0 else (x, value)))

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[float]:
        return iter(self.tuple)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("a vector cannot be made an array without a copy")
        return np.array(self.tuple, dtype)

    def __repr__(self) -> str:
        return f"Vec2({self.x:g}, {self.y:g})"

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        try:
            return self.tuple == pair_of(other)
        except TypeError:
            return False

    def __add__(self, other: Any) -> Vec2:
        (x, y), (other_x, other_y) = self.tuple, pair_of(other)
        return Vec2(x + other_x, y + other_y)

    def __sub__(self, other: Any) -> Vec2:
        (x, y), (other_x, other_y) = self.tuple, pair_of(other)
        return Vec2(x - other_x, y - other_y)

    def __neg__(self) -> Vec2:
        x, y = self.tuple
        return Vec2(-x, -y)

    def __mul__(self, factor: float) -> Vec2:
        if not isinstance(factor, NUMBER):
            return NotImplemented
        (x, y), scale = self.tuple, float32(factor)
        return Vec2(x * scale, y * scale)

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Vec2:
        if not isinstance(divisor, NUMBER):
            return NotImplemented
        (x, y), by = self.tuple, float32(divisor)
        return Vec2(_quotient(x, by), _quotient(y, by))

    def __iadd__(self, other: Any) -> Vec2:
        self._put(*(self + other).tuple)
        return self

    def __isub__(self, other: Any) -> Vec2:
        self._put(*(self - other).tuple)
        return self

    def __imul__(self, factor: float) -> Vec2:
        self._put(*(self * factor).tuple)
        return self

    def __itruediv__(self, divisor: float) -> Vec2:
        self._put(*(self / divisor).tuple)
        return self

    @property
    def lengthSquared(self) -> float:
        """Square of the length."""
        return self.dot(self)

    @property
    def length(self) -> float:
        """Euclidean length."""
        return float32(math.sqrt(self.lengthSquared))

    @property
    def skew(self) -> Vec2:
        """The vector turned to the left by a right angle."""
        x, y = self.tuple
        return Vec2(-y, x)

    @property
    def valid(self) -> bool:
        """Whether both numbers are finite."""
        return all(map(math.isfinite, self.tuple))

    def dot(self, other: Any) -> float:
        """Scalar product."""
        (x, y), (other_x, other_y) = self.tuple, pair_of(other)
        return float32(float32(x * other_x) + float32(y * other_y))

    def cross(self, other: Any) -> Any:
        """Cross product with a vector: a number; with a number: a vector."""
        x, y = self.tuple
        if isinstance(other, NUMBER):
            scale = float32(other)
            return Vec2(scale * y, -scale * x)
        other_x, other_y = pair_of(other)
        return float32(float32(x * other_y) - float32(y * other_x))

    def copy(self) -> Vec2:
        """Returns a vector of its own."""
        return Vec2(self)

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Vec2:
        return Vec2(self)

    def __reduce__(self) -> Reduced:
        return Vec2, self.tuple

    def Normalize(self) -> float:
        """Scales the vector to length 1 and returns the length before."""
        length = self.length
        if length < _EPSILON:
            return 0.0
        self *= float32(1 / length)
        return length

    def Set(self, x: float, y: float) -> None:
        """Sets both numbers."""
        self._put(x, y)

    def SetZero(self) -> None:
        """Sets both numbers to 0."""
        self._put(0.0, 0.0)


class LiveVec2(Vec2):
    """A vector of a body of the game: read at each use, as Box2D's are; `copy()` keeps it. Read-only."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[], Pair]) -> None:
        self._read = read

    @property
    def tuple(self) -> Pair:
        """Both numbers."""
        return self._read()

    def _put(self, *_: float) -> NoReturn:
        raise AttributeError("this vector is read-only: it is part of the native game; change a copy()")


def _quotient(value: float, by: float) -> float:
    if by != 0:
        return value / by
    return (
        math.nan if value == 0 or math.isnan(value) else math.copysign(math.inf, value) * math.copysign(1, by)
    )
