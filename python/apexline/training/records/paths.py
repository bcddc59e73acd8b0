"""Checks of paths before work begins: of names, and of files to write."""

from __future__ import annotations

import stat
from pathlib import Path

from apexline.atomic_write import check_writable
from apexline.training.errors import InputError


def check_name(argument: str, path: Path) -> None:
    """Raises InputError if `path` cannot be a file name or cannot be printed; `argument` is its name in the message."""
    name = str(path)
    if "\0" in name:
        raise InputError(f"{argument} is {name!a}; expected a path without NUL characters")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InputError(f"{argument} is {name!a}; expected a path in UTF-8") from None


def check_target(argument: str, path: Path) -> None:
    """Raises InputError unless a file can be written to `path`, which is not changed."""
    check_name(argument, path)
    try:
        if path.is_dir():
            raise InputError(f"{argument} is {path}; expected a file, not a folder")
        if not path.parent.is_dir():
            raise InputError(f"{argument} is {path}; expected an existing folder, {path.parent} is not one")
        check_writable(path)
    except OSError as error:
        raise InputError(
            f"{argument} is {path}; expected a file that can be written ({error.strerror})"
        ) from error


def regular_file(path: Path) -> bool:
    """Whether `path` is a regular file or a link to one."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder or a link to one; False also for names that no file can have."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
