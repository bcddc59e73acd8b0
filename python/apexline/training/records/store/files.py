"""Plain files: read and written without following links or waiting for FIFOs, with their digests."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from apexline.training.errors import InputError

_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Flags of `os.open`: no symbolic link is followed, no FIFO waited for. 0 where the system has no such flag."""
_NOT_PLAIN = "expected a regular file, not a link, a folder or a FIFO"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class FileDigest:
    """Size in bytes and SHA-256 of a file."""

    size: int
    sha256: str


def open_plain(path: Path) -> BufferedReader:
    """Opens a regular file for reading.

    Raises:
        OSError: it is missing, a link, a folder or any other kind of file, or cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _PLAIN)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(error.errno, _NOT_PLAIN) from None
        raise
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(errno.EINVAL, _NOT_PLAIN)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """In its block an OSError becomes an InputError about `path`."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def read_plain(path: Path, largest: int) -> bytes:
    """The content of a regular file of at most `largest` bytes.

    Raises:
        InputError: it cannot be opened or read, or it is larger; nothing of it was read then.
    """
    with reading(path), open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > largest:
            raise InputError(f"{path}: it has {size} bytes; expected at most {largest}")
        try:
            return file.read(size)
        except MemoryError:
            raise InputError(f"{path}: its {size} bytes do not fit into memory") from None


def write_plain(path: Path, content: bytes) -> FileDigest:
    """Creates the file `path`, which must not exist, and synchronizes it to disk."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN, 0o666), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return digest_of(content)


def digest_of(content: bytes) -> FileDigest:
    """The digest of a file with this content."""
    return FileDigest(len(content), hashlib.sha256(content).hexdigest())


def digest_file(path: Path, *, synchronize: bool = False) -> FileDigest:
    """The digest of a regular file, which is synchronized to disk first if `synchronize`.

    Raises:
        OSError: it cannot be opened, read or synchronized.
    """
    with open_plain(path) as file:
        if synchronize:
            os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileDigest(os.fstat(file.fileno()).st_size, digest)


def is_file_name(name: str) -> bool:
    """Whether `name` is a relative path of ASCII letters, digits, points, hyphens and slashes, within its folder."""
    return len(name) <= 200 and all(_NAME.fullmatch(part) for part in name.split("/"))


def names_below(folder: Path) -> list[str]:
    """The regular files in `folder` and its subfolders, as sorted relative paths with slashes.

    Raises:
        InputError: it contains anything else, such as a link, or a name that `is_file_name` refuses.
        OSError: it cannot be read.
    """
    names: list[str] = []
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        with os.scandir(folder / prefix) as entries:
            for entry in entries:
                name = f"{prefix}{entry.name}"
                if not is_file_name(name):
                    raise InputError(f"{folder}: contains {name!a}, which is not part of a checkpoint")
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{name}/")
                elif entry.is_file(follow_symlinks=False):
                    names.append(name)
                else:
                    raise InputError(f"{folder / name}: expected a regular file")
    return sorted(names)
