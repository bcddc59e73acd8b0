"""A file that grows by whole records, also through a full disk or the loss of its folder."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""No symbolic link is followed, no FIFO waited for. 0 where the system has no such flag."""


class AppendFile:
    """Appends records to a file. What cannot be written stays in memory and is written first next time.

    The file always consists of whole records: a part of a record that was written before the disk was full is cut off.
    If the file was deleted, it is created again with the earlier records, as soon as its folder exists.

    Args:
        path: the file.
        size: 0: it is created with the first record, or an existing one replaced. Otherwise the bytes to keep of an
            existing file; the rest is cut off.

    Raises:
        OSError: `size` is not 0 and the file cannot be opened or cut.
    """

    def __init__(self, path: Path, size: int = 0) -> None:
        self.path = path
        self._size = size
        self._pending = bytearray()
        self._descriptor: int | None = None
        if size:
            self._descriptor = os.open(path, _FLAGS)
            os.ftruncate(self._descriptor, size)

    @property
    def size(self) -> int:
        """Bytes of the records in the file."""
        return self._size

    @property
    def pending(self) -> bytes:
        """Records that are not in the file yet."""
        return bytes(self._pending)

    def add(self, record: bytes) -> None:
        """Add a record, which the next `flush` writes."""
        self._pending += record

    def flush(self) -> None:
        """Write the records that are not in the file yet.

        Raises:
            OSError: the file cannot be written; the records are kept.
        """
        if not self._pending:
            return
        descriptor = self._opened()
        self._size = min(self._size, os.fstat(descriptor).st_size)  # another program may have cut it
        try:
            os.ftruncate(descriptor, self._size)
            _write(descriptor, self._pending, self._size)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, self._size)
            raise
        self._size += len(self._pending)
        self._pending.clear()

    def sync(self) -> None:
        """Make what is in the file permanent.

        Raises:
            OSError: it cannot be.
        """
        if self._descriptor is not None:
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file; records that are not in it are lost."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):  # some file systems report only here what they could not write
                os.close(descriptor)

    def _opened(self) -> int:
        """The descriptor of the file with this path, which has the records in it."""
        before = self._descriptor
        if before is not None and _is_file_of(before, self.path):
            return before
        descriptor = os.open(self.path, _FLAGS | os.O_CREAT, 0o666)
        if before is not None:  # the earlier file was deleted or replaced
            try:
                os.ftruncate(descriptor, 0)
                os.lseek(before, 0, os.SEEK_SET)
                _write(descriptor, os.read(before, self._size), 0)
            except OSError:
                os.close(descriptor)
                raise
            os.close(before)
        self._descriptor = descriptor
        return descriptor


def _is_file_of(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _write(descriptor: int, content: bytes | bytearray, offset: int) -> None:
    """Writes all of `content`, which one call of the system may not."""
    os.lseek(descriptor, offset, os.SEEK_SET)
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
