"""Kinds of unusual arguments for tests of public functions.

A generator of cases takes the ordinary value of an argument and yields unusual ones, each with what a call must do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

SAME = None
"""Expected of a call that gives the result of the ordinary arguments."""
ACCEPTED = "accepted"
"""Expected of a call that gives some result."""

Case = tuple[str, Any, Any]
"""Name, value of the argument, and the exception that it raises, `SAME` or `ACCEPTED`."""


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


class Object:
    """Not what any argument is."""


def wrong_objects() -> Iterator[tuple[str, Any]]:
    yield "None", None
    yield "a number", 3
    yield "not a number", np.nan
    yield "a string", "x"
    yield "bytes", b"x"
    yield "a list", [Object()]
    yield "a dict", {"x": Object()}
    yield "an object", Object()
    yield "an array", np.zeros(2)
    yield "an array of objects", np.array([None, Object()])


REFUSED = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)


def objects(_: Any) -> Iterator[Case]:
    """Arguments that are neither arrays nor numbers: every other type is refused."""
    for name, value in wrong_objects():
        yield name, value, REFUSED


def paths(value: Any) -> Iterator[Case]:
    yield "a string", str(value), SAME
    for name, wrong in wrong_objects():
        if name not in ("a string", "bytes"):  # which are relative paths
            yield name, wrong, TypeError


def booleans(value: bool) -> Iterator[Case]:
    yield "of NumPy", np.bool_(value), SAME
    yield "an array", np.zeros(2), (TypeError, ValueError)
    yield "an object without truth", NoTruth(), (TypeError, ValueError)


class NoTruth:
    def __bool__(self) -> bool:
        raise TypeError("no truth; expected a boolean")


class Integer(NamedTuple):
    """Integers from `least` to `most`; what is out of range raises `error`."""

    least: int
    most: int
    error: Any = ValueError

    def __call__(self, value: int) -> Iterator[Case]:
        yield "of NumPy", np.int64(value), SAME
        yield "unsigned", np.uint8(value), SAME
        for name, wrong in wrong_objects():
            if name != "a number":
                yield name, wrong, (TypeError, ValueError)
        yield "a float", value + 0.5, (TypeError, ValueError)
        yield "a fraction", Fraction(1, 3), (self.error, TypeError, ValueError)
        for far in (
            self.least - 1,
            self.most + 1,
            -(2**31) - 1,
            2**31,
            -(2**63),
            2**63 - 1,
            2**63,
            2**64,
            10**400,
        ):
            if not self.least <= far <= self.most:
                yield (
                    f"of {far if abs(far) < 2**65 else '10^400'}",
                    far,
                    (self.error, TypeError, OverflowError),
                )


TRUNCATED = {"a fraction": ACCEPTED}
"""Of unsigned integers, which pybind11 converts by `__int__`; what Python's package passes are ints."""


class Real(NamedTuple):
    """Finite numbers from `least` to `most`."""

    least: float
    most: float
    is_open: bool = False
    """Whether the ends are excluded."""

    def __call__(self, value: float) -> Iterator[Case]:
        yield "of NumPy", np.float64(value), SAME
        if value == int(value):
            yield "an integer", int(value), SAME
        for name, wrong in wrong_objects():
            if name not in ("a number", "not a number"):
                yield name, wrong, (TypeError, ValueError)
        yield "complex", value + 1j, (TypeError, ValueError)
        yield "10^400", 10**400, (OverflowError, TypeError, ValueError)
        with np.errstate(over="ignore"):
            below, above = np.nextafter(self.least, -np.inf), np.nextafter(self.most, np.inf)
        for far in {np.inf, -np.inf, float(below), float(above)}:
            yield f"of {far}", far, ValueError
        yield "not a number", np.nan, ValueError
        if self.is_open:
            yield f"of {self.least}", self.least, ValueError


class Argument(NamedTuple):
    value: Any
    cases: Callable[[Any], Iterator[Case]]
    other: Mapping[str, Any] = MappingProxyType({})
    """Expectations that differ from those of `cases`, by name."""


class Function(NamedTuple):
    """A public function with ordinary arguments."""

    make: Callable[[], Any]
    """The object whose method it is."""
    call: Callable[..., Any]
    arguments: Mapping[str, Argument] = MappingProxyType({})
    state: Callable[[Any], Any] = id
    """What a refused call must not change."""
    close: Callable[[Any], Any] | None = None
    """Closes the object."""
    closed: Any = SAME
    """What a call after that does."""

    def plain(self) -> dict[str, Any]:
        """The ordinary arguments, arrays copied."""
        return {
            name: argument.value.copy() if isinstance(argument.value, np.ndarray) else argument.value
            for name, argument in self.arguments.items()
        }

    def cases(self) -> Iterator[tuple[str, Case]]:
        for argument, (value, cases, other) in self.arguments.items():
            for name, given, expected in cases(value):
                yield argument, (name, given, other.get(name, expected))


def fingerprint(value: Any) -> Any:
    """Equal for equal results."""
    if isinstance(value, np.ndarray | np.void):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return {name: fingerprint(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [fingerprint(item) for item in value]
    return value
