"""Random changes of bytes, JSON values and arrays. All randomness comes from the generator that is passed."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

NUMBERS: list[Any] = [0, 1, -1, 2, 3, 7, 255, 256, 65535, 2**31 - 1, -(2**31), 2**32, 2**40, 2**53]
NUMBERS += [2**63 - 1, -(2**63), 2**63, 2**64 - 1, 2**64, 10**30, 0.5, -0.0, 1e-300, 1e300, 1.7e308]
TEXTS = [
    "",
    "x",
    "uint8",
    "<f8",
    "|O",
    "object",
    "../x",
    "/etc/passwd",
    "\0",
    "𝄞",
    "nan",
    "a" * 300,
    "$tensor",
    "replay",
]
DTYPES = [
    "<u1",
    "|u1",
    "|b1",
    "|i1",
    "<f4",
    "<f8",
    "<i8",
    "<u4",
    ">i4",
    "|O",
    "<U3",
    "<M8[s]",
    "V8",
    "f8,f8",
    "",
    "x",
]


class Mutator:
    """Changes drawn from one generator.

    Args:
        random: source of all choices.
    """

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random

    def below(self, end: int) -> int:
        return int(self.random.integers(end))

    def chance(self, probability: float) -> bool:
        return bool(self.random.random() < probability)

    def pick(self, values: Any) -> Any:
        return values[self.below(len(values))]

    def bytes(self, data: bytes) -> bytes:
        """A copy with one to three changes: bits, bytes, numbers, cuts, insertions and repetitions."""
        changed = bytearray(data)
        for _ in range(1 + self.below(3)):
            place = self.below(len(changed) + 1)
            width = 1 + self.below(8)
            match self.below(7):
                case 0 if place < len(changed):
                    changed[place] ^= 1 << self.below(8)
                case 1 if place < len(changed):
                    changed[place] = self.below(256)
                case 2:
                    number = int(self.pick([n for n in NUMBERS if isinstance(n, int)])) % 2**64
                    changed[place : place + width] = number.to_bytes(8, "little")[:width]
                case 3:
                    del changed[place:]
                case 4:
                    del changed[place : place + self.below(64)]
                case 5:
                    changed[place:place] = self.random.bytes(width)
                case _:
                    begin = self.below(len(changed) + 1)
                    changed[place:place] = changed[begin : begin + self.below(64)]
        return bytes(changed)

    def value(self, depth: int = 0) -> Any:
        """A JSON value."""
        match self.below(8 if depth < 2 else 5):
            case 0 | 1:
                return self.pick(NUMBERS)
            case 2:
                return self.pick(TEXTS)
            case 3:
                return self.pick([None, True, False])
            case 4:
                return self.pick([[], {}])
            case 5 | 6:
                return [self.value(depth + 1) for _ in range(self.below(4))]
            case _:
                return {str(self.pick(TEXTS)): self.value(depth + 1) for _ in range(self.below(3))}

    def json(self, value: Any) -> Any:
        """A copy with one to three places changed, removed, added or exchanged."""
        root = [copy.deepcopy(value)]
        for _ in range(1 + self.below(3)):
            places = list(_places(root))
            holder, key = self.pick(places)
            match self.below(6):
                case 0 | 1:
                    holder[key] = self.value()
                case 2 if len(places) > 1 and holder is not root:
                    del holder[key]
                case 3:
                    other, name = self.pick(places)
                    holder[key] = copy.deepcopy(other[name])
                case 4 if isinstance(holder[key], dict):
                    holder[key][self.pick(TEXTS)] = self.value()
                case 4 if isinstance(holder[key], list):
                    holder[key].append(self.value())
                case _:
                    holder[key] = self.near(holder[key])
        return root[0]

    def near(self, value: Any) -> Any:
        """A value of the same type, if it is a number or text."""
        if isinstance(value, bool):
            return not value
        if isinstance(value, int):
            return value + self.pick([-2, -1, 1, 2, 7, -value, 1 << self.below(62)])
        if isinstance(value, float):
            return self.pick(
                [-value, value * 2, value + 1, 0.0, value * 1e300, int(min(max(value, -1e9), 1e9))]
            )
        if isinstance(value, str):
            return value[: self.below(len(value) + 1)] + self.pick(TEXTS)
        return value

    def array(self, array: np.ndarray) -> np.ndarray:
        """A copy with other values, length, shape or dtype."""
        changed = array.copy()
        match self.below(8):
            case 0 if array.ndim:
                return changed[: self.below(len(array) + 1)]
            case 1 if array.ndim:
                return np.concatenate([changed, changed[: 1 + self.below(3)]])
            case 2:
                return changed.reshape(self.pick([(-1,), (*array.shape, 1), (1, *array.shape)]))
            case 3:
                return changed.astype(self.pick(["u1", "i4", "i8", "f4", "f8", "?", "u4"]))
            case 4:
                return np.zeros_like(changed)
            case _:
                self._values(changed)
                return changed

    def _values(self, changed: np.ndarray) -> None:
        flat = changed.reshape(-1)
        for _ in range(1 + self.below(4) if flat.size else 0):
            place = self.below(flat.size)
            if flat.dtype.kind == "f" and self.chance(0.6):
                flat[place] = self.pick([np.nan, np.inf, -np.inf, -1.0, 0.0, 1e30, -0.0, 5e-324])
            elif self.chance(0.5):
                flat.view(np.uint8)[self.below(flat.nbytes)] ^= 1 << self.below(8)
            else:
                number = int(self.pick([n for n in NUMBERS if isinstance(n, int)])) % 2**64
                with np.errstate(all="ignore"):
                    flat[place] = np.array([number], np.uint64).astype(flat.dtype)[0]


def _places(root: Any) -> Any:
    """(holder, key) of every value inside."""
    keys = range(len(root)) if isinstance(root, list) else list(root)
    for key in keys:
        yield root, key
        if isinstance(root[key], list | dict):
            yield from _places(root[key])
