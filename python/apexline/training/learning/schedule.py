"""The number of updates per step, and the random shift as a schedule of whole pixels."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor

from apexline.agent import LinearSchedule


class UpdateSchedule:
    """Number of updates per step: after n steps, exactly floor(replay_ratio * n) in total.

    The ratio is read as a decimal number, so rounding errors do not accumulate.

    Args:
        replay_ratio: updates per step.
    """

    def __init__(self, replay_ratio: float) -> None:
        self._ratio = Fraction(str(replay_ratio))
        self._steps = 0
        self._updates = 0

    def due(self, steps: int) -> int:
        """Updates due after `steps` more steps; each is returned once."""
        self._steps += steps
        before, self._updates = self._updates, floor(self._ratio * self._steps)
        return self._updates - before

    def state_dict(self) -> dict[str, int]:
        """The steps and updates so far."""
        return {"steps": self._steps, "updates": self._updates}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue from a `state_dict`; with another ratio, from its number of steps."""
        self._steps = state["steps"]
        self._updates = floor(self._ratio * self._steps)


def shift_at(schedule: LinearSchedule, updates: int) -> int:
    """The random shift in pixels after `updates` updates: the schedule's value, rounded up.

    Each number of pixels from `start` down to `end` + 1 is used for equally many updates. The value is first rounded to
    9 decimals, as 3 * (1 - 1/3) is larger than 2 in floating-point arithmetic.
    """
    return ceil(round(schedule(updates), 9))
