"""Committed ratios: their tolerances, and the JSON file that stores them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

COMMITTED = Path(__file__).with_name("ratios.json")

Verdict = Literal["ok", "slower", "faster"]


@dataclass(frozen=True)
class Committed:
    """The expected ratio of a benchmark."""

    ratio: float
    """Processor time of the benchmark over that of its reference."""
    tolerance: float = 2.0
    """Factor by which a measured ratio may exceed `ratio`."""
    reason: str = "not measured yet"
    """How the tolerance was chosen."""
    measured: str = ""
    """Date, commit and machine of the measurement."""

    def judge(self, ratio: float) -> Verdict:
        """`slower` above ratio * tolerance, `faster` below ratio / tolerance, else `ok`."""
        if ratio > self.ratio * self.tolerance:
            return "slower"
        return "faster" if ratio < self.ratio / self.tolerance else "ok"


def load(path: Path) -> dict[str, Committed]:
    """Committed ratios by benchmark. Raises OSError, TypeError or ValueError if `path` does not hold them."""
    return {name: Committed(**entry) for name, entry in json.loads(path.read_text()).items()}


def save(path: Path, ratios: Mapping[str, Committed]) -> None:
    """Writes `ratios` to `path` as JSON."""
    entries = {name: asdict(committed) for name, committed in ratios.items()}
    path.write_text(json.dumps(entries, indent=2) + "\n")
