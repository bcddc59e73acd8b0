"""Free memory of the machine, limited by control groups, and of the GPU."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import torch

ROOT = Path("/")


class _Group(NamedTuple):
    """Files of a control group's memory controller (cgroup v1 or v2)."""

    mount: str
    limit: str
    use: str
    cache: str
    """Line of memory.stat with the bytes of reclaimable file cache in `use`."""


_V1 = _Group("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_V2 = _Group("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file")


def free_ram(root: Path = ROOT) -> int:
    """Bytes that this process can allocate: free memory of the machine, or the rest of a control group's limit if less.

    Without /proc/meminfo: the system's free pages, or else all of its memory.
    """
    free = _meminfo(root)
    return max(0, min([_pages() if free is None else free, *_left_in_groups(root)]))


def free_gpu() -> int:
    """Free bytes of the current CUDA device, whose context is created if necessary; 0 without one."""
    return torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else 0


def resident(root: Path = ROOT) -> int:
    """Resident bytes of this process; 0 if unknown."""
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
    """Limit minus use of every control group that contains this process; groups without a limit are left out."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        group = _V1 if controllers else _V2
        # In a container the path may be the host's, with the container's own group mounted as the root.
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
