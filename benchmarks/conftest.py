"""The scripts here import each other by plain names; results record what made them.

pytest-benchmark adds processor and git commit by itself.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    from machine import versions

    machine_info["versions"] = versions()
