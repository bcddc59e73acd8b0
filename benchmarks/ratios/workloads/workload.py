"""What a benchmark is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar


class Workload(ABC):
    """A call to time, and a reference of the same character to hold its time against.

    A subclass sets itself up when it is made. Every call does the same amount of work on fresh data.
    """

    name: ClassVar[str]
    reference_name: ClassVar[str]

    def prepare(self) -> None:  # noqa: B027 - most workloads can be called for ever
        """Called before each round of calls, outside the time that is taken."""

    @abstractmethod
    def run(self) -> Any:
        """What is timed."""

    @abstractmethod
    def reference(self) -> Any:
        """What it is compared with: NumPy, torch or the stock game, never apexline."""
