"""How many updates are due."""

from __future__ import annotations

from fractions import Fraction
from math import floor


class UpdateSchedule:
    """Counts out updates so that after n decisions exactly floor(replay_ratio * n) have been due.

    The ratio is taken as the decimal number that it is written as, so nothing drifts, however long a run is.
    """

    def __init__(self, replay_ratio: float) -> None:
        self._ratio = Fraction(str(replay_ratio))
        self._decisions = 0
        self._updates = 0

    def due(self, decisions: int) -> int:
        """Updates that `decisions` more decisions call for."""
        self._decisions += decisions
        before, self._updates = self._updates, floor(self._ratio * self._decisions)
        return self._updates - before
