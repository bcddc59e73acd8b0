"""File format of saved replays: arrays and plain values in sections, each with a checksum; no pickle.

    magic     16 bytes: b"apexline replay" and the version
    sections  length of `about` (uint32), length of the payload (uint64), CRC-32 of both and of `about`
              `about`: JSON; {"values": ...} without a payload, or the "dtype" and "shape" of an array
              payload: the array, C order
              CRC-32 of the payload
    end       a section whose `about` is {}

All numbers are little-endian.
"""

from __future__ import annotations

import json
import os
import stat
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from apexline.atomic_write import atomic_write

VERSION = 2
MAGIC = b"apexline replay"
LENGTHS = struct.Struct("<IQ")
CHECKSUM = struct.Struct("<I")
MAX_ABOUT = 1 << 20
"""Bytes; a longer `about` is refused."""
END: dict[str, Any] = {}
NOTHING = memoryview(b"")

Section = dict[str, Any] | NDArray[Any]
"""Values that JSON can represent, or an array."""


class DamagedFileError(ValueError):
    """A file is truncated, corrupt, not a saved replay or of another version. The message starts with its path."""


def write(path: Path, sections: Iterable[Section]) -> int:
    """Writes sections to `path`, which is replaced as a whole or not at all.

    Returns:
        The checksum of the whole file: the CRC-32 of the checksums in it.

    Raises:
        OSError: the file cannot be written.
    """
    checksum = 0
    with atomic_write(path) as file:
        file.write(MAGIC + bytes([VERSION]))
        for section in sections:
            if isinstance(section, dict):
                checksum = _write_section(file, checksum, {"values": section})
            else:
                array = np.ascontiguousarray(section, section.dtype.newbyteorder("<"))
                about = {"dtype": array.dtype.str, "shape": array.shape}
                checksum = _write_section(file, checksum, about, array.reshape(-1).view(np.uint8).data)
        return _write_section(file, checksum, END)


def read(path: Path, checksum: int | None = None) -> Iterator[Section]:
    """Yields the sections of a file, each after its checksums were verified.

    Args:
        path: the file.
        checksum: of the whole file, as returned by `write`; verified after the last section. None: not verified.

    Raises:
        DamagedFileError: the file is truncated, corrupt, not a saved replay, of another version or not the file that
            `checksum` belongs to.
        OSError: the file cannot be read.
    """
    found = 0
    with open(path, "rb", opener=_open_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise DamagedFileError(f"{path}: not a regular file")
        head = _exactly(file, len(MAGIC) + 1, path)
        if head[:-1] != MAGIC:
            raise DamagedFileError(f"{path}: not a replay saved by apexline")
        if head[-1] != VERSION:
            raise DamagedFileError(f"{path}: file version is {head[-1]}; expected {VERSION}")
        while True:
            section, found = _read_section(file, path, found)
            if section is None:
                break
            yield section
        if file.read(1):
            raise DamagedFileError(f"{path}: trailing data after the end marker")
        if checksum not in (None, found):
            raise DamagedFileError(f"{path}: another file than the one that was saved here")


def _open_at_once(path: str, flags: int) -> int:
    """As `os.open`, without waiting for the writer of a FIFO."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _write_section(
    file: BinaryIO, checksum: int, about: dict[str, Any], payload: memoryview = NOTHING
) -> int:
    """Returns the checksum of the file up to and including this section."""
    text = json.dumps(about).encode()
    lengths = LENGTHS.pack(len(text), payload.nbytes)
    of_about, of_payload = CHECKSUM.pack(crc32(lengths + text)), CHECKSUM.pack(crc32(payload))
    file.write(lengths + of_about + text)
    file.write(payload)
    file.write(of_payload)
    return crc32(of_about + of_payload, checksum)


def _read_section(file: BinaryIO, path: Path, before: int) -> tuple[Section | None, int]:
    """A section, None at the end, and the checksum of the file up to and including it."""
    lengths = _exactly(file, LENGTHS.size, path)
    text_length, payload_length = LENGTHS.unpack(lengths)
    checksum = _exactly(file, CHECKSUM.size, path)
    if text_length > MAX_ABOUT:
        raise _corrupt(path, file)
    text = _exactly(file, text_length, path)
    if CHECKSUM.pack(crc32(lengths + text)) != checksum:
        raise _corrupt(path, file)
    about = json.loads(text)
    left = os.fstat(file.fileno()).st_size - file.tell()
    if payload_length > left:
        raise DamagedFileError(f"{path}: truncated; a section has {left} of {payload_length} bytes")
    payload = np.frombuffer(_exactly(file, payload_length, path), np.uint8)
    of_payload = _exactly(file, CHECKSUM.size, path)
    if CHECKSUM.pack(crc32(payload.data)) != of_payload:
        raise _corrupt(path, file)
    so_far = crc32(checksum + of_payload, before)
    if about == END:
        return None, so_far
    if "values" in about:
        values: dict[str, Any] = about["values"]
        return values, so_far
    array: NDArray[Any] = payload.view(about["dtype"]).reshape(about["shape"])
    return array.astype(array.dtype.newbyteorder("="), copy=False), so_far


def _exactly(file: BinaryIO, count: int, path: Path) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise DamagedFileError(f"{path}: truncated")
    return data


def _corrupt(path: Path, file: BinaryIO) -> DamagedFileError:
    return DamagedFileError(f"{path}: checksum mismatch before byte {file.tell()}; the file is corrupt")
