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


def write(path: Path, sections: Iterable[Section]) -> None:
    """Writes sections to `path`, which is replaced as a whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    with atomic_write(path) as file:
        file.write(MAGIC + bytes([VERSION]))
        for section in sections:
            if isinstance(section, dict):
                _write_section(file, {"values": section})
            else:
                array = np.ascontiguousarray(section, section.dtype.newbyteorder("<"))
                about = {"dtype": array.dtype.str, "shape": array.shape}
                _write_section(file, about, array.reshape(-1).view(np.uint8).data)
        _write_section(file, END)


def read(path: Path) -> Iterator[Section]:
    """Yields the sections of a file, each after its checksums were verified.

    Raises:
        DamagedFileError: the file is truncated, corrupt, not a saved replay or of another version.
        OSError: the file cannot be read.
    """
    with open(path, "rb", opener=_open_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise DamagedFileError(f"{path}: not a regular file")
        head = _exactly(file, len(MAGIC) + 1, path)
        if head[:-1] != MAGIC:
            raise DamagedFileError(f"{path}: not a replay saved by apexline")
        if head[-1] != VERSION:
            raise DamagedFileError(f"{path}: file version is {head[-1]}; expected {VERSION}")
        while (section := _read_section(file, path)) is not None:
            yield section
        if file.read(1):
            raise DamagedFileError(f"{path}: trailing data after the end marker")


def _open_at_once(path: str, flags: int) -> int:
    """As `os.open`, without waiting for the writer of a FIFO."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _write_section(file: BinaryIO, about: dict[str, Any], payload: memoryview = NOTHING) -> None:
    text = json.dumps(about).encode()
    lengths = LENGTHS.pack(len(text), payload.nbytes)
    file.write(lengths + CHECKSUM.pack(crc32(lengths + text)) + text)
    file.write(payload)
    file.write(CHECKSUM.pack(crc32(payload)))


def _read_section(file: BinaryIO, path: Path) -> Section | None:
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
    if CHECKSUM.pack(crc32(payload.data)) != _exactly(file, CHECKSUM.size, path):
        raise _corrupt(path, file)
    if about == END:
        return None
    if "values" in about:
        values: dict[str, Any] = about["values"]
        return values
    array: NDArray[Any] = payload.view(about["dtype"]).reshape(about["shape"])
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _exactly(file: BinaryIO, count: int, path: Path) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise DamagedFileError(f"{path}: truncated")
    return data


def _corrupt(path: Path, file: BinaryIO) -> DamagedFileError:
    return DamagedFileError(f"{path}: checksum mismatch before byte {file.tell()}; the file is corrupt")
