"""Linear schedules of hyperparameters: noise, learning rates, random shifts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class LinearSchedule:
    """`start` at 0, `end` from `over` on, linear in between; constant without `end` and `over`.

    Raises:
        ValueError: a value is not finite, `over` is below 1, or only one of `end` and `over` is given.
    """

    start: float
    """Value at 0."""
    end: float | None = None
    """Value from `over` on; None: `start`."""
    over: int | None = None
    """Length of the change, in the unit of the schedule's field (steps or updates); None: constant."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.start):
            raise ValueError(f"start is {self.start}; expected a finite number")
        if (self.end is None) != (self.over is None):
            raise ValueError(f"end is {self.end} and over is {self.over}; expected both or neither")
        if self.end is not None and not math.isfinite(self.end):
            raise ValueError(f"end is {self.end}; expected a finite number")
        if self.over is not None and self.over < 1:
            raise ValueError(f"over is {self.over}; expected >= 1")

    def __call__(self, t: int) -> float:
        """The value at `t`, a number of steps or updates >= 0."""
        if self.end is None or self.over is None:
            return self.start
        return self.start + (self.end - self.start) * min(t / self.over, 1.0)

    def of_tensor(self, t: Tensor) -> Tensor:
        """The values at `t`, an integer tensor, as float32 on its device; the host does not synchronize.

        They are start * (1 - (1 - end / start) * min(t / over, 1)), so `start` must not be 0.
        """
        if self.end is None or self.over is None:
            return torch.full_like(t, self.start, dtype=torch.float32)
        progress = (t / self.over).clamp(max=1)
        return self.start * (1 - (1 - self.end / self.start) * progress)
