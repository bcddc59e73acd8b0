"""The committed ratios: what they are held to, and how they are kept."""

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
    """What a measured ratio is held against."""

    ratio: float
    """Processor time of the benchmark over that of its reference, in one run."""
    tolerance: float = 2.0
    """Factor by which a ratio may exceed the committed one."""
    reason: str = "not measured yet"
    """Where the tolerance is from."""
    measured: str = ""
    """Date, commit and machine of the ratio."""

    def judge(self, ratio: float) -> Verdict:
        """`faster` is better than the tolerance explains, which is no failure."""
        if ratio > self.ratio * self.tolerance:
            return "slower"
        return "faster" if ratio < self.ratio / self.tolerance else "ok"


def load(path: Path) -> dict[str, Committed]:
    """Committed ratios by benchmark. Raises OSError, TypeError or ValueError where the file is not one of them."""
    return {name: Committed(**entry) for name, entry in json.loads(path.read_text()).items()}


def save(path: Path, ratios: Mapping[str, Committed]) -> None:
    entries = {name: asdict(committed) for name, committed in ratios.items()}
    path.write_text(json.dumps(entries, indent=2) + "\n")
