"""Run folders: created once, and written by one training at a time."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path

from apexline.file_lock import try_lock
from apexline.training.errors import InputError
from apexline.training.records import checkpoint
from apexline.training.records.paths import check_name, regular_file

LOCK = ".lock"
"""File of a run folder that the training which writes to it has locked; it contains the number of its process."""
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Creates the folder `path`, or if it exists `path`-2, `path`-3 and so on, whichever is the first that is new.

    Two processes never get the same folder. It is removed when the block ends if it is empty then.

    Raises:
        InputError: it cannot be created.
    """
    for folder in chain([path], (path.with_name(f"{path.name}-{number}") for number in count(2))):
        with suppress(FileExistsError):
            created = _make(folder)
            break
    try:
        yield folder
    finally:
        _remove_empty(created)


@contextmanager
def owned(folder: Path, *, resume: bool) -> Iterator[None]:
    """Makes this training the only one that writes to `folder`, until the block ends or the process does.

    Args:
        folder: with `resume` an existing run; otherwise a folder that is created, or an empty one. A folder that was
            created and is still empty at the end is removed.
        resume: whether `folder` is a run. What a killed process left before its first checkpoint does not count: such a
            folder is empty.

    Raises:
        InputError: another training writes to it, it cannot be created or written, or it is not empty.
    """
    check_name("folder", folder)
    created: list[Path] = []
    if not resume:
        with suppress(FileExistsError):
            created = _make(folder)
    try:
        descriptor = _lock(folder)
        try:
            if not resume and not _is_new(folder):
                raise InputError(
                    f"{folder}: the folder is not empty; resume the run or choose another folder"
                )
            yield
        finally:
            with suppress(OSError):
                (folder / LOCK).unlink()  # before closing, which releases the lock
            os.close(descriptor)
    finally:
        _remove_empty(created)


def check_files(folder: Path, names: tuple[str, ...]) -> None:
    """Raises InputError if one of the files `names` in `folder` exists and is not a regular file."""
    for name in names:
        if (folder / name).exists() and not regular_file(folder / name):
            raise InputError(f"{folder / name}: expected a regular file")


def _is_new(folder: Path) -> bool:
    """Whether the folder is empty, apart from its lock and an unfinished first checkpoint."""
    names = {path.name for path in folder.iterdir()}
    return names <= {LOCK, checkpoint.FOLDER} and not checkpoint.exists(folder)


def _make(folder: Path) -> list[Path]:
    """Creates the folder, which must not exist, and its parents; returns those that did not exist, innermost first.

    Raises:
        FileExistsError: it exists.
        InputError: it cannot be created.
    """
    try:
        parents = [parent for parent in folder.parents if not parent.exists()]
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():
            raise InputError(f"{folder}: not a folder") from None
        raise
    except OSError as error:
        raise InputError(f"{folder}: the folder cannot be created ({error.strerror})") from error
    return [folder, *parents]


def _remove_empty(folders: list[Path]) -> None:
    with suppress(OSError):  # not empty, or removed by its owner
        for folder in folders:
            folder.rmdir()


def _lock(folder: Path) -> int:
    """The descriptor of the locked LOCK of `folder`."""
    path = folder / LOCK
    while True:
        try:
            descriptor = os.open(path, _FLAGS, 0o666)
        except OSError as error:
            raise InputError(f"{folder}: the folder cannot be written ({error.strerror})") from error
        try:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:
                raise InputError(f"{path}: expected a regular file with one name")
            if try_lock(descriptor) is False:
                raise InputError(
                    f"{folder} is in use by process {_owner(descriptor)}; expected a run folder that no training "
                    "writes to"
                )
            if os.fstat(descriptor).st_nlink:
                os.truncate(descriptor, 0)
                os.write(descriptor, f"{os.getpid()}\n".encode())
                return descriptor
        except BaseException as error:
            os.close(descriptor)
            if isinstance(error, OSError):
                raise InputError(f"{folder}: the folder cannot be written ({error.strerror})") from error
            raise
        os.close(descriptor)  # its owner removed it after it was opened here


def _owner(descriptor: int) -> str:
    """The number of the process that has locked the file, which it writes right after it has locked it."""
    for _ in range(100):
        if owner := re.fullmatch(rb"([0-9]+)\n", os.pread(descriptor, 20, 0)):
            return owner[1].decode()
        time.sleep(0.01)
    return "unknown"
