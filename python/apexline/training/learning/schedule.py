"""What changes as a run goes on: how many updates are due, and how far images are shifted."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from apexline.agent import LinearSchedule


class UpdateSchedule:
    """Counts out updates so that after n steps exactly floor(replay_ratio * n) have been due.

    The ratio is taken as the decimal number that it is written as, so nothing drifts, however long a run is.
    """

    def __init__(self, replay_ratio: float) -> None:
        self._ratio = Fraction(str(replay_ratio))
        self._steps = 0
        self._updates = 0

    def due(self, steps: int) -> int:
        """Updates that `steps` more steps call for."""
        self._steps += steps
        before, self._updates = self._updates, floor(self._ratio * self._steps)
        return self._updates - before


def shift_at(schedule: LinearSchedule, updates: int) -> int:
    """The random shift in pixels after `updates` updates: the schedule's value, rounded up.

    So each number of pixels from `start` down to `end` + 1 is used for equally many updates. The value is rounded to 9
    decimals first, as floating-point arithmetic makes 3 * (1 - 1/3) larger than 2.
    """
    return ceil(round(schedule(updates), 9))
