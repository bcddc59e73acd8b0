"""File systems of a test, which this process must be allowed to mount: usually it is where it runs as root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """Mounts a file system in memory at `folder`, with `options` as of mount(8); skips the test if it may not."""
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("needs the permission to mount")
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "none", folder]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("needs the permission to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path) -> Path:
    """Writes a file that leaves no byte free on `disk`, and returns it."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                pass
    return filler
