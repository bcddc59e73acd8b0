"""One call at a time in a background thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

import torch

Result = TypeVar("Result")


class BackgroundCall(Generic[Result]):
    """Runs a function in a thread of its own, with one torch thread, or in the calling thread.

    Args:
        threaded: False runs the function in `start`, as windows need.
    """

    def __init__(self, *, threaded: bool) -> None:
        # A policy's few observations need one torch thread, and the learner uses the others.
        self._thread = ThreadPoolExecutor(1, "acting", torch.set_num_threads, (1,)) if threaded else None
        self._future: Future[Result] | None = None

    @property
    def is_pending(self) -> bool:
        """Whether a call was started whose result was not taken."""
        return self._future is not None

    def start(self, function: Callable[[], Result]) -> None:
        """Run `function`; with a thread, return at once."""
        assert self._future is None, "start before take"
        if self._thread is not None:
            self._future = self._thread.submit(function)
        else:
            result = function()
            self._future = Future()
            self._future.set_result(result)

    def take(self) -> Result:
        """Wait for the call and return its result. If it raises or the wait is interrupted, the call stays pending."""
        assert self._future is not None, "take without start"
        result = self._future.result()
        self._future = None
        return result

    def close(self) -> None:
        """Wait for a call in progress and end the thread."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
