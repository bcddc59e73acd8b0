"""The number of updates that were skipped, in all and in a row."""

from __future__ import annotations


class SkippedUpdates:
    """Counts skipped updates; `record` is called once for each update, in order."""

    def __init__(self) -> None:
        self.total = 0
        """All skipped updates."""
        self.in_a_row = 0
        """Skipped updates since the latest one that was not skipped."""
        self.first = 0
        """Number of the first of those in a row, from 1; 0 if there are none."""

    def record(self, number: int, *, is_skipped: bool) -> None:
        """Count update `number`, from 1."""
        if not is_skipped:
            self.in_a_row = self.first = 0
            return
        if not self.in_a_row:
            self.first = number
        self.total += 1
        self.in_a_row += 1
