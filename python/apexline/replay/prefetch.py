"""Batches gathered ahead, in the background."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

from apexline import _core
from apexline.replay.batch import Batch

AnyBatch = TypeVar("AnyBatch")


class Prefetch(Iterator[AnyBatch], Generic[AnyBatch]):
    """Endless batches, each drawn `depth` calls before it is handed out and gathered by a thread meanwhile.

    The call of `next` that hands out batch j draws batch j + depth; the first call draws 0 to depth. So a batch knows
    every `add` and `update_priorities` made before that call: in a loop that updates after each batch, its priorities
    are `depth` batches old, never more. Which transitions a batch holds depends on the order of calls alone, never on
    timing. `add` waits before it overwrites frames that are still to be gathered.

    Made by `PrioritizedFrameReplay.prefetch`. Close it, or use it in a `with` statement, to end its thread; batches
    that were handed out stay valid. `beta` and `shift` may be set between calls. In a forked process it raises
    RuntimeError: open another there.
    """

    def __init__(
        self,
        core: _core.replay.Prefetcher,
        make_batch: Callable[[], Batch],
        hand_out: Callable[[Batch], AnyBatch],
        depth: int,
        beta: float,
        shift: int,
    ) -> None:
        self._core = core
        self._make_batch = make_batch
        self._hand_out = hand_out
        self._depth = depth
        self._closed = False
        self.beta = beta
        """Importance-weight exponent of the batches that are drawn from now on, 0 to 1."""
        self.shift = shift
        """Largest random shift of the batches that are drawn from now on, in pixels, up to the replay's own."""

    @property
    def depth(self) -> int:
        """Batches between drawing and handing out."""
        return self._depth

    def __next__(self) -> AnyBatch:
        """Raises StopIteration once closed, and ValueError where nothing can be sampled or `beta` or `shift` is out of
        range."""
        if self._closed:
            raise StopIteration
        while self._core.pending <= self._depth:
            self._core.request(self.beta, self.shift, self._make_batch())
        return self._hand_out(self._core.take())

    def close(self) -> None:
        """Ends the thread; batches that were not handed out are dropped. May be called again."""
        self._closed = True
        self._core.close()

    def __enter__(self) -> Prefetch[AnyBatch]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
