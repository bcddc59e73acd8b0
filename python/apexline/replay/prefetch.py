"""Batches that a background thread gathers in advance."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from apexline import _core
from apexline.replay.batch import Batch
from apexline.replay.fields import as_float, as_integer
from apexline.replay.state import INVALID, reason

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

    __slots__ = (
        "__weakref__",
        "_closed",
        "_convert",
        "_core",
        "_depth",
        "_make_batch",
        "_restored",
        "beta",
        "shift",
    )

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
        self._restored: deque[Batch] = deque()
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
        while len(self._restored) + self._core.pending <= self._depth:
            self._core.request(self.beta, self.shift, self._make_batch())
        return self.take_restored() if self._restored else self._convert(self._core.take())

    def take_restored(self) -> AnyBatch:
        """The next one of the batches that `load_state_dict` restored, without sampling another.

        Raises:
            IndexError: there is none.
        """
        return self._convert(self._restored.popleft())

    def state_dict(self) -> dict[str, Any]:
        """The batches that were sampled and not returned, with their contents, `beta` and `shift`; changes nothing.

        Arrays are copies, tensors if the iterator returns tensors. Waits until the batches are gathered. Together with
        the replay's state of the same moment it determines all later batches.

        Raises:
            ValueError: the iterator is closed.
        """
        ahead = [*self._restored, *self._core.gathered()]
        copies = [self._convert(_copied(batch)) for batch in ahead]
        return {"beta": self.beta, "shift": self.shift, "batches": [by_name(batch) for batch in copies]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Replaces the batches that were sampled and not returned by those of a state of `state_dict`.

        Raises:
            ValueError: the iterator is closed, or has returned or sampled a batch; or the state is of another number or
                shape of batches, or invalid. Nothing changes then.
        """
        if self._closed or self._restored or self._core.pending:
            raise ValueError("the iterator is closed or was used; expected a new one")
        try:
            beta, shift = as_float("beta", state["beta"]), as_integer("shift", state["shift"])
            if not 0 <= beta <= 1 or not 0 <= shift < 2**31:
                raise ValueError(f"beta is {beta}, shift is {shift}; expected 0 to 1, and 0 to 2^31 - 1")
            saved = list(state["batches"])
            if len(saved) > self._depth + 1:
                raise ValueError(f"the number of batches is {len(saved)}; expected at most {self._depth + 1}")
            restored = [_fill(self._make_batch(), batch) for batch in saved]
        except (AttributeError, *INVALID) as error:
            raise ValueError(f"invalid prefetch state: {reason(error)}") from error
        self.beta, self.shift, self._restored = beta, shift, deque(restored)

    def close(self) -> None:
        """Ends the thread and drops the batches that were not returned. May be called again."""
        self._closed = True
        self._restored.clear()
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


def _copied(batch: Batch) -> Batch:
    obs, action, reward, discount, next_obs, weights, indices = map(np.copy, batch[:-1])
    extras = {name: array.copy() for name, array in batch.extras.items()}
    return Batch(obs, action, reward, discount, next_obs, weights, indices, extras)


def by_name(batch: Any) -> dict[str, Any]:
    """The arrays or tensors of a batch by the names of its fields."""
    return {**dict(zip(batch._fields[:-1], batch[:-1], strict=True)), "extras": batch.extras}


def _fill(batch: Batch, saved: Mapping[str, Any]) -> Batch:
    """Copies saved arrays or tensors into a batch of the same shapes and dtypes."""
    extras = saved["extras"]
    if extras.keys() != batch.extras.keys():
        raise ValueError(f"extras has the fields {sorted(extras)}; expected {sorted(batch.extras)}")
    for name in batch._fields[:-1]:
        _copy_into(name, getattr(batch, name), saved[name])
    for name, target in batch.extras.items():
        _copy_into(f"extras[{name!r}]", target, extras[name])
    return batch


def _copy_into(name: str, target: NDArray[Any], saved: Any) -> None:
    values = np.asarray(saved)
    if (values.shape, values.dtype) != (target.shape, target.dtype):
        raise ValueError(
            f"{name} is {values.dtype} of shape {values.shape}; expected {target.dtype} of shape {target.shape}"
        )
    target[...] = values
