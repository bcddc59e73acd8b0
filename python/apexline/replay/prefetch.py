"""Batches that a background thread gathers in advance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

from apexline import _core
from apexline.replay.batch import Batch

AnyBatch = TypeVar("AnyBatch")


class Prefetch(Iterator[AnyBatch], Generic[AnyBatch]):
    """Endless iterator of batches, each sampled `depth` calls before it is returned and gathered in the meantime.

    The call of `next` that returns batch j samples batch j + depth; the first call samples batches 0 to depth. A batch
    therefore reflects every `add` and `update_priorities` made before the call that sampled it: in a loop that updates
    priorities after each batch, they are at most `depth` batches old. The transitions in a batch depend on the order
    of calls only, never on timing. `add` waits before it overwrites frames that are still to be gathered.

    Made by `PrioritizedFrameReplay.prefetch`. Close it, or use it in a `with` statement, to end its thread; batches
    that were returned stay valid. In a forked process `next` raises RuntimeError: open another one there.

    Attributes:
        beta: importance-weight exponent, 0 to 1, of the batches that are sampled next; may be set.
        shift: largest random shift in pixels of the batches that are sampled next, at most the replay's; may be set.
    """

    __slots__ = ("__weakref__", "_closed", "_convert", "_core", "_depth", "_make_batch", "beta", "shift")

    def __init__(
        self,
        core: _core.replay.Prefetcher,
        make_batch: Callable[[], Batch],
        convert: Callable[[Batch], AnyBatch],
        depth: int,
        beta: float,
        shift: int,
    ) -> None:
        self._core = core
        self._make_batch = make_batch
        self._convert = convert
        self._depth = depth
        self._closed = False
        self.beta = beta
        self.shift = shift

    @property
    def depth(self) -> int:
        """Batches that are sampled in advance."""
        return self._depth

    def __next__(self) -> AnyBatch:
        """The next batch.

        Raises:
            StopIteration: the iterator is closed.
            ValueError: no transition can be sampled, or `beta` or `shift` is out of range.
        """
        if self._closed:
            raise StopIteration
        while self._core.pending <= self._depth:
            self._core.request(self.beta, self.shift, self._make_batch())
        return self._convert(self._core.take())

    def close(self) -> None:
        """Ends the thread and drops the batches that were not returned. May be called again."""
        self._closed = True
        self._core.close()

    def __enter__(self) -> Prefetch[AnyBatch]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        closed = ", closed" if self._closed else ""
        return f"<Prefetch: depth={self._depth}, beta={self.beta}, shift={self.shift}{closed}>"
