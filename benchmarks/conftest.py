"""Adds the versions of the timed packages to the results; pytest-benchmark adds processor and commit."""

from __future__ import annotations

from typing import Any

from benchmarks.machine import versions


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    machine_info["versions"] = versions()
