"""The fields of a saved state of a native environment: changed, and sealed again with a valid checksum."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

BODIES, WHEELS = 5, 4
_EPISODE = [
    *[("phase", "u1", 1), ("score", "f8", 1), ("shaping", "i4", 4)],
    *[("random", "u8", 4), ("has_uint32", "u1", 1), ("uinteger", "u4", 1), ("palette", "f8", 9)],
    *[("nodes", "f8", (4,)), ("visited", "u1", ()), ("touched", "u1", ())],
    *[("under_wheels", "i4", ()), ("touching_wheels", "u1", ())],
]
_COUNTERS = [
    *[("num_frames", "i4", 1), ("failed_tracks", "i4", 1), ("start_tile", "i4", 1)],
    *[("lap_is_complete", "u1", 1), ("seconds", "f8", 1), ("scores", "f8", 3)],
]
_CAR = [
    *[(name, "f4", BODIES) for name in ("x", "y", "sine", "cosine", "angle", "centre_x", "centre_y")],
    *[(name, "f4", BODIES) for name in ("velocity_x", "velocity_y", "spin")],
    *[(name, "f4", WHEELS) for name in ("impulse_x", "impulse_y", "limit_impulse", "motor_impulse")],
    *[("limit", "i4", WHEELS), ("motor_speed", "f4", WHEELS)],
    *[("force_x", "f4", WHEELS), ("force_y", "f4", WHEELS), ("rest_time", "f4", 1)],
    *[("steer", "f8", 1), ("gas", "f8", 1), ("brake", "f8", 1)],
    *[("omega", "f8", WHEELS), ("phase_of_wheels", "f8", WHEELS)],
    *[("on_road", "i8", WHEELS), ("skids", "i8", WHEELS)],
]
_REST = [
    *[("total", "f8", 1), ("steps", "i8", 1), ("wall_seconds", "f8", 1)],
    *[("depth", "i4", 1), ("format", "i4", 7), ("frames", "u1", ())],
]


def checksum(content: bytes) -> int:
    """FNV-1a."""
    total = 0xCBF29CE484222325
    for byte in content:
        total = ((total ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return total


class StateFields:
    """A state as arrays by name, in order; vectors are of any length, and `counts` overrides the length written."""

    def __init__(self, state: bytes) -> None:
        self.mark = state[:8]
        self._content = state[24:]
        self._place = 0
        self._is_vector: dict[str, bool] = {}
        self.fields: dict[str, Array] = {}
        self.counts: dict[str, int] = {}
        self._read(_EPISODE)
        for mark in range(self._count("num_marks")):
            self._read([(f"mark{mark}.on_grass", "u1", 1), (f"mark{mark}.points", "f8", (2,))])
        self._read([("num_dropped", "u8", 1)])
        for wheel in range(WHEELS):
            names = [("has_start", "u1"), ("on_grass", "u1"), ("num_points", "u8"), ("mark", "u8")]
            self._read([(f"trace{wheel}.{name}", dtype, 1) for name, dtype in names])
        self._read([*_COUNTERS, *_CAR, *_REST])
        assert self._place == len(self._content)
        assert self.sealed() == state

    def sealed(self) -> bytes:
        """The state, with the checksum of these fields."""
        content = b"".join(self._written())
        return self.mark + struct.pack("<QQ", checksum(content), len(content)) + content

    def copy(self) -> StateFields:
        other = object.__new__(StateFields)
        vars(other).update(vars(self))
        other.fields = {name: value.copy() for name, value in self.fields.items()}
        other.counts = dict(self.counts)
        return other

    def _written(self) -> Iterator[bytes]:
        for name, value in self.fields.items():
            if self._is_vector[name]:
                yield struct.pack("<Q", self.counts.get(name, len(value)))
            yield value.tobytes()

    def _count(self, name: str) -> int:
        self._read([(name, "u8", 1)])
        return int(self.fields[name][0])

    def _read(self, layout: list[tuple[str, str, Any]]) -> None:
        for name, dtype, shape in layout:
            self._is_vector[name] = isinstance(shape, tuple)
            row = np.dtype(dtype).itemsize * int(np.prod(shape))
            if self._is_vector[name]:
                (count,) = struct.unpack_from("<Q", self._content, self._place)
                self._place += 8
                shape, row = (count, *shape), row * count
            part = self._content[self._place : self._place + row]
            self.fields[name] = np.frombuffer(part, dtype).reshape(shape).copy()
            self._place += row
