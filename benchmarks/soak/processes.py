"""Memory, open files and processor time of a process and its descendants, from /proc (Linux)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """One process at one moment."""

    pid: int
    parent: int
    processor_seconds: float
    """User and system time since it started."""
    rss: int
    """Resident memory, bytes."""
    files: int
    """Open file descriptors."""
    command: str

    @property
    def is_worker(self) -> bool:
        """Whether it is an environment or evaluation worker, not multiprocessing's own helper."""
        return "multiprocessing" in self.command and "resource_tracker" not in self.command


def read_process(pid: int) -> Process | None:
    """The process, or None if it has ended."""
    folder = PROC / str(pid)
    try:
        # The second field, the name in parentheses, may contain spaces.
        fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        files = sum(1 for _ in (folder / "fd").iterdir())
    except OSError:
        return None
    ticks = int(fields[11]) + int(fields[12])
    return Process(
        pid, int(fields[1]), ticks / TICKS_PER_SECOND, int(fields[21]) * PAGE_BYTES, files, command
    )


def tree(root: int) -> list[Process]:
    """The process `root` and its descendants, `root` first; empty if it has ended."""
    every = [read_process(int(folder.name)) for folder in PROC.iterdir() if folder.name.isdigit()]
    alive = {process.pid: process for process in every if process is not None}
    if root not in alive:
        return []
    found = [alive[root]]
    for process in found:  # grows while it is read
        found += [child for child in alive.values() if child.parent == process.pid]
    return found
