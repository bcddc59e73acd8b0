"""Results of evaluated episodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class EpisodeResult:
    """One evaluated episode."""

    seed: int
    score: float
    """Sum of the game's own rewards, without reward shaping."""
    frames: int
    """Game frames (1/50 s each)."""
    tiles: float
    """Share of the track's tiles that were visited, 0 to 1."""


@dataclass(frozen=True)
class EvalReport:
    """Results of an evaluation, in the order of the seeds."""

    episodes: tuple[EpisodeResult, ...]

    @property
    def summary(self) -> dict[str, float]:
        """mean, sd (sample standard deviation), median, p10 (10th percentile), min and max of the scores."""
        scores = np.array([episode.score for episode in self.episodes])
        return {
            "mean": float(scores.mean()),
            "sd": float(scores.std(ddof=1)) if len(scores) > 1 else 0.0,
            "median": float(np.median(scores)),
            "p10": float(np.percentile(scores, 10)),
            "min": float(scores.min()),
            "max": float(scores.max()),
        }
