"""Machine, versions and commit of a measurement."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import cpuinfo
import torch

from apexline import _core


def versions() -> dict[str, str]:
    """Versions of the timed packages, compiler and instruction sets by name."""
    packages = ("apexline", "numpy", "torch", "gymnasium")
    return {
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
        "compiler": _core.compiler,
        "ISA of torch": torch.backends.cpu.get_cpu_capability(),
    }


def here_and_now() -> str:
    """Date, commit and processor in one line."""
    processor = cpuinfo.get_cpu_info().get("brand_raw", platform.machine())
    return f"{datetime.now(UTC):%Y-%m-%d}, commit {_commit()}, {_core.available_processors()} x {processor}"


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
