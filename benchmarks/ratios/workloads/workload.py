"""The interface of a benchmark."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar


class Workload(ABC):
    """A call to time and a reference call to compare it with.

    The constructor prepares both. Every call does the same amount of work on different data.
    """

    name: ClassVar[str]
    reference_name: ClassVar[str]

    def prepare(self) -> None:  # noqa: B027 - most workloads need no preparation
        """Called before each round of calls; not timed."""

    @abstractmethod
    def run(self) -> Any:
        """The timed call."""

    @abstractmethod
    def reference(self) -> Any:
        """Comparable work in NumPy, torch or the stock game; of apexline only work that has a benchmark of its own."""
