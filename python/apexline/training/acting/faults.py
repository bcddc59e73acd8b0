"""Rewards and actions that are not finite: how often, and the error after too many in a row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from apexline.training.errors import DivergedError

MAX_IN_A_ROW = 100
"""Steps of an environment in a row that may have a reward or an action that is not finite."""


class FaultCounter:
    """Counts faults of environments, in all and in a row.

    Args:
        num_envs: environments.
        what: name of the values, in the plural.
        advice: what to try, for the error.
    """

    def __init__(self, num_envs: int, what: str, advice: str) -> None:
        self.total = 0
        self._in_a_row = np.zeros(num_envs, np.int64)
        self._what = what
        self._advice = advice

    def count(self, values: NDArray[np.floating[Any]]) -> NDArray[np.bool_] | None:
        """Count the environments whose row of `values` (num_envs, ...) is not finite.

        Returns:
            A mask (num_envs,) of those environments; None if there are none.

        Raises:
            DivergedError: an environment had MAX_IN_A_ROW in a row.
        """
        finite: NDArray[np.bool_] = np.isfinite(values).reshape(len(values), -1).all(axis=1)
        if finite.all():
            self._in_a_row[:] = 0
            return None
        self.total += int((~finite).sum())
        self._in_a_row = np.where(finite, 0, self._in_a_row + 1)
        env = int(self._in_a_row.argmax())
        if self._in_a_row[env] >= MAX_IN_A_ROW:
            raise DivergedError(
                f"{self._what} of environment {env} were not finite {MAX_IN_A_ROW} times in a row, the last one is "
                f"{values[env]}; {self._advice}"
            )
        return ~finite
