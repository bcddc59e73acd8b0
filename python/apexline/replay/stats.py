"""Counters of a replay."""

from __future__ import annotations

from typing import NamedTuple


class ReplayStats(NamedTuple):
    """Counters of a replay since it was built or last cleared."""

    size: int
    """Transitions that can be sampled now."""
    episodes: int
    """Episodes that ended."""
    evicted: int
    """Steps that were overwritten by later ones."""
    stale_updates: int
    """Priority updates that were ignored because their transition was no longer stored."""
    max_priority: float
    """Largest priority so far, which new transitions get."""
    effective_sample_size: float
    """(sum p)^2 / sum p^2 (Kish 1965): `size` if all priorities are equal, 1 if one has all of it, 0 if empty."""
