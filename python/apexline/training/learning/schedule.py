"""What changes as a run goes on: how many updates are due, and how far images are shifted."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor


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


def shift_after(updates: int, shift: int, shift_updates: int) -> int:
    """The largest random shift, in pixels, once `updates` are made: it falls from `shift` to 0 in equal steps.

    It is 0 from `shift_updates` on; where those are 0, it stays.
    """
    if shift_updates == 0:
        return shift
    return ceil(Fraction(shift * max(0, shift_updates - updates), shift_updates))
