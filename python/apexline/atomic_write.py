"""Replaces a file as a whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from apexline.file_lock import try_lock

SUFFIX = ".part"
_RANDOM_BYTES = 6
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Flags of `os.open`: no symbolic link is followed, no FIFO waited for. 0 where the system has no such flag."""


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Opens a temporary file that replaces `path` when the block ends.

    The file is written as `<path>.<random>.part`, synchronized to disk and renamed; then the folder is synchronized.
    If the block or any of these steps raises, the temporary file is removed and an existing `path` stays as it was. A
    temporary file that a killed process left is removed by the next call for the same `path`.

    The temporary file is new: an existing file or symbolic link of that name is not opened. If `path` is a symbolic
    link, the link is replaced, not the file that it points to.

    Yields:
        A binary file, open for writing and seeking.

    Raises:
        OSError: the file cannot be written; its `filename` is `path`, unless the block raises one of another file.
    """
    path = Path(path)
    _remove_leftovers(path)
    temporary, descriptor = _create(path)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if os.name == "posix":  # before closing, which releases the lock
                temporary.replace(path)
        if os.name != "posix":  # Windows renames only closed files
            temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            error.filename, error.filename2 = str(path), None
        raise
    sync_folder(path.parent)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Creates a temporary file as `atomic_write` does, and removes it; `path` is not changed.

    Raises:
        OSError: `path` cannot be written: its folder is missing or read-only, its name is too long, or it is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder")
    temporary, descriptor = _create(path)
    os.close(descriptor)
    temporary.unlink()


def _create(path: Path) -> tuple[Path, int]:
    """A new, locked temporary file for `path`, and its descriptor."""
    while True:
        temporary = path.with_name(f"{path.name}.{secrets.token_hex(_RANDOM_BYTES)}{SUFFIX}")
        try:
            descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o666)
        except OSError as error:
            error.filename = str(path)
            raise
        # Before it was locked, another process may have taken it for a leftover.
        if try_lock(descriptor) is not False and os.fstat(descriptor).st_nlink:
            return temporary, descriptor
        os.close(descriptor)
        temporary.unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    """Removes temporary files of `path` that no process has locked."""
    pattern = re.compile(rf"{re.escape(path.name)}\.[0-9a-f]{{{2 * _RANDOM_BYTES}}}{re.escape(SUFFIX)}")
    with suppress(OSError):  # a leftover does no harm but take space
        for other in path.parent.iterdir():
            if pattern.fullmatch(other.name):
                _remove_unless_locked(other)


def _remove_unless_locked(temporary: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(temporary, os.O_RDWR | _NO_LINK)
        try:
            if stat.S_ISREG(os.fstat(descriptor).st_mode) and try_lock(descriptor):
                temporary.unlink()
        finally:
            os.close(descriptor)


def sync_folder(folder: Path) -> None:
    with suppress(OSError):  # some systems cannot open or synchronize a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
