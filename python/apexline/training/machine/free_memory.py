"""How much memory is free: the machine's, less where a control group allows less, and the GPU's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import torch

ROOT = Path("/")


class _Group(NamedTuple):
    """Where the kernel keeps the memory figures of control groups."""

    mount: str
    limit: str
    use: str
    cache: str
    """The line of memory.stat with the bytes of file cache in `use` that are dropped as soon as memory is short."""


_V1 = _Group("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_V2 = _Group("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file")


def free_ram(root: Path = ROOT) -> int:
    """Bytes that this process can still take: what the machine has free, or a control group leaves if that is less.

    Where there is no /proc/meminfo, the free pages that the system tells, else all of its memory.
    """
    free = _meminfo(root)
    return max(0, min([_pages() if free is None else free, *_left_in_groups(root)]))


def free_gpu() -> int:
    """Bytes free on the current CUDA device, whose context is made if it is not yet; 0 without one."""
    return torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else 0


def resident(root: Path = ROOT) -> int:
    """Bytes of this process in memory; 0 where the system does not tell."""
    try:
        pages = int((root / "proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _meminfo(root: Path) -> int | None:
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return kilobytes[0] * 1024 if kilobytes else None


def _pages() -> int:
    known = os.sysconf_names
    pages = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in known else "SC_PHYS_PAGES"
    return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")


def _left_in_groups(root: Path) -> Iterator[int]:
    """Limit less use of every control group around this process; groups without a limit have none."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        group = _V1 if controllers else _V2
        # In a container the path may be the host's, and the container's own group is the mount itself.
        inner = PurePosixPath(path.lstrip("/"))
        for folder in (inner, *inner.parents):
            left = _left(root / group.mount / folder, group)
            if left is not None:
                yield left


def _left(folder: Path, group: _Group) -> int | None:
    try:
        limit, use = ((folder / name).read_text().strip() for name in (group.limit, group.use))
        stat = (folder / "memory.stat").read_text().splitlines()
    except OSError:
        return None
    if limit == "max":
        return None
    cache = sum(int(line.split()[1]) for line in stat if line.split()[:1] == [group.cache])
    return int(limit) - int(use) + cache
