"""Batches on a device, copied there ahead of their use, and TD errors copied back to the replay's priorities.

Needs torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.profiler import record_function

from apexline.replay.batch import TensorBatch
from apexline.replay.prefetch import by_name
from apexline.replay.prioritized import PrioritizedFrameReplay
from apexline.replay.state import INVALID, reason

GATHERED_AHEAD = 2
"""Batches that the replay's prefetch thread gathers ahead."""
STALENESS = GATHERED_AHEAD + 1
"""Updates between the sampling of a batch and its use: those gathered ahead, and one being copied to the device."""
BATCHES_HELD = STALENESS + 2
"""Batches in host memory: sampled ahead, in use, and one whose TD errors are being copied back."""


class DevicePrefetcher(Iterator[TensorBatch]):
    """Endless batches of a replay on a device, each copied while the update of the batch before it runs.

    ::

        with DevicePrefetcher(replay, 256, "cuda") as batches:
            for batch in batches:
                td_errors = update(batch)
                batches.update_priorities(td_errors)

    The delays are fixed and the same on every device, so results do not depend on timing. The call of `next` that
    returns batch j samples batch j + STALENESS; the first call samples 0 to STALENESS. The TD errors of batch j reach
    the replay in the call of `update_priorities` for batch j + 1.

    - On the CPU a batch shares the memory of the sampled one.
    - On CUDA, batch j + 1 is copied from pinned memory into one of two device buffers, on a stream of its own, while
      the update of batch j runs. Work queued on the current stream after `next` waits for the copy of its batch. The
      copy into a buffer waits for all work that was queued before the `next` that starts it: queue the update of a
      batch before the next call, and do not read the batch after it. The host only waits if it is two updates ahead of
      the device.

    Close it, or use it in a `with` statement, before the replay is closed or deleted.

    Args:
        replay: sampled from, and given the priorities. It must not be empty when `next` is called.
        batch_size: transitions in a batch.
        device: of the batches.
        beta: importance-weight exponent, 0 to 1; None: the replay's.
        shift: largest random shift in pixels, 0 to the replay's; None: the latter.

    Attributes:
        stale_updates: priority updates that the replay ignored because their transitions had been overwritten.
        skipped_updates: batches whose TD errors were all NaN, which changes no priority.

    Raises:
        ValueError: batch_size is below 1.
    """

    __slots__ = (
        "__weakref__",
        "_batches",
        "_begun",
        "_closed",
        "_current",
        "_next",
        "_pending",
        "_replay",
        "_transfer",
        "skipped_updates",
        "stale_updates",
    )

    def __init__(
        self,
        replay: PrioritizedFrameReplay,
        batch_size: int,
        device: torch.device | str,
        *,
        beta: float | None = None,
        shift: int | None = None,
    ) -> None:
        device = torch.device(device)
        self._replay = replay
        self._batches = replay.prefetch(batch_size, GATHERED_AHEAD, beta, shift=shift, as_torch=True)
        self._transfer: _SharedMemory | _CopyAhead
        self._transfer = _CopyAhead(device) if device.type == "cuda" else _SharedMemory()
        self._next: _Transferred | None = None
        self._current: _Handles | None = None
        self._pending: _Pending | None = None
        self._begun = False
        self._closed = False
        self.stale_updates = 0
        self.skipped_updates = 0

    @property
    def beta(self) -> float:
        """Importance-weight exponent of the batches sampled from now on; may be set between calls."""
        return self._batches.beta

    @beta.setter
    def beta(self, beta: float) -> None:
        self._batches.beta = beta

    @property
    def shift(self) -> int:
        """Largest random shift, in pixels, of the batches sampled from now on; may be set between calls."""
        return self._batches.shift

    @shift.setter
    def shift(self, shift: int) -> None:
        self._batches.shift = shift

    def __next__(self) -> TensorBatch:
        """The next batch.

        Raises:
            StopIteration: it was closed.
            ValueError: nothing can be sampled yet, or `beta` or `shift` is out of range.
        """
        if self._closed:
            raise StopIteration
        if not self._begun:
            self._next = self._take()
            self._begun = True
        if self._next is None:
            raise StopIteration
        current, self._next = self._next, self._take()
        self._current = _Handles(current.sampled.indices, current.sampled)
        self._transfer.receive(current.batch)
        return current.batch

    def update_priorities(self, td_errors: Tensor) -> None:
        """Start the copy of TD errors to the host, and set the priorities of the batch before.

        Args:
            td_errors: (B,) raw TD errors of the batch that `next` returned last, on any device; not to be changed on
                the CPU until the next call. If all are NaN, its priorities do not change.

        Raises:
            RuntimeError: there is no such batch, or its TD errors were given before.
            ValueError: the shape is wrong, or some TD errors of the batch before are not finite.
        """
        if self._current is None:
            raise RuntimeError("update_priorities needs a batch from next, once for each")
        indices = self._current.indices
        if td_errors.shape != indices.shape:
            raise ValueError(f"td_errors.shape is {tuple(td_errors.shape)}; expected {tuple(indices.shape)}")
        pending = _Pending(self._current, *self._transfer.send_back(td_errors.detach()))
        self._current = None
        self.flush()
        self._pending = pending

    def flush(self) -> None:
        """Set the priorities of the TD errors given last; waits for their copy."""
        if self._pending is None:
            return
        pending, self._pending = self._pending, None
        if pending.is_skipped():
            self.skipped_updates += 1
            return
        with record_function("replay: priorities"):
            self.stale_updates += self._replay.update_priorities(pending.handles.indices, pending.td_errors)

    def state_dict(self) -> dict[str, Any]:
        """What is in flight: batches sampled ahead, TD errors that are not applied yet, and `stale_updates`.

        Together with the replay's state of the same moment it determines all later batches and priorities. Changes
        nothing; the tensors are copies on the CPU. Waits until the batches are gathered and the TD errors copied.

        Raises:
            ValueError: it was closed.
        """
        prefetch = self._batches.state_dict()
        if self._next is not None:
            prefetch["batches"].insert(0, by_name(self._next.sampled.map(torch.clone)))
        pending = None
        if self._pending is not None:
            if self._pending.copied is not None:
                self._pending.copied.synchronize()
            indices, td_errors = self._pending.handles.indices.clone(), self._pending.td_errors.clone()
            pending = {"indices": indices, "td_errors": td_errors}
        return {
            "prefetch": prefetch,
            "begun": self._begun,
            "has_next": self._next is not None,
            "current": None if self._current is None else self._current.indices.clone(),
            "pending": pending,
            "stale_updates": self.stale_updates,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a state of `state_dict` of a prefetcher with the same batch size, on any device.

        Raises:
            ValueError: it was closed or used, or the state is invalid. Nothing changes then.
        """
        if self._begun:
            raise ValueError("the prefetcher has returned a batch; expected a new one")
        try:
            begun, has_next = bool(state["begun"]), bool(state["has_next"])
            stale_updates = int(state["stale_updates"])
            current = None if state["current"] is None else _checked_indices(state["current"])
            pending = None if state["pending"] is None else _restored_pending(state["pending"])
            prefetch = state["prefetch"]
            if has_next and not prefetch["batches"]:
                raise ValueError("batches is empty; expected the next one")
        except (AttributeError, *INVALID) as error:
            raise ValueError(f"invalid prefetcher state: {reason(error)}") from error
        self._batches.load_state_dict(prefetch)
        if has_next:
            self._next = self._transferred(self._batches.take_restored())
        self._begun, self._pending, self.stale_updates = begun, pending, stale_updates
        self._current = None if current is None else _Handles(current, None)

    @property
    def is_pending(self) -> bool:
        """Whether there are TD errors whose priorities are not set yet."""
        return self._pending is not None

    def is_skipping(self) -> bool:
        """Whether the TD errors given last, whose priorities are not set yet, are all NaN; waits for their copy."""
        return self._pending is not None and self._pending.is_skipped()

    def close(self) -> None:
        """Wait for copies in progress and end the prefetch thread; TD errors not yet flushed are dropped."""
        self._closed = True
        self._transfer.close()
        self._next = self._current = self._pending = None
        self._batches.close()

    def __enter__(self) -> DevicePrefetcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<DevicePrefetcher: {self._batches!r}, stale_updates={self.stale_updates}>"

    def _take(self) -> _Transferred | None:
        sampled = next(self._batches, None)
        return None if sampled is None else self._transferred(sampled)

    def _transferred(self, sampled: TensorBatch) -> _Transferred:
        return _Transferred(sampled, self._transfer.send(sampled))


class _Transferred(NamedTuple):
    """A batch on the host and on the device."""

    sampled: TensorBatch
    batch: TensorBatch


class _Handles(NamedTuple):
    """The handles of a batch that was returned."""

    indices: Tensor
    sampled: TensorBatch | None
    """A reference until the TD errors arrive: on a GPU the copy from its memory may still be in progress."""


class _Pending(NamedTuple):
    """TD errors on their way to the host."""

    handles: _Handles
    td_errors: Tensor
    copied: torch.cuda.Event | None

    def is_skipped(self) -> bool:
        """Whether all TD errors are NaN; waits for their copy."""
        if self.copied is not None:
            self.copied.synchronize()
        return bool(self.td_errors.isnan().all())


def _checked_indices(indices: Tensor) -> Tensor:
    if indices.dtype != torch.int64 or indices.ndim != 1:
        raise ValueError(f"indices is {indices.dtype} of shape {tuple(indices.shape)}; expected int64 (B,)")
    return indices.cpu().clone()


def _restored_pending(saved: Mapping[str, Tensor]) -> _Pending:
    indices, td_errors = _checked_indices(saved["indices"]), saved["td_errors"].cpu().clone()
    if td_errors.shape != indices.shape or not td_errors.is_floating_point():
        raise ValueError(
            f"td_errors is {td_errors.dtype} of shape {tuple(td_errors.shape)}; expected floats (B,)"
        )
    return _Pending(_Handles(indices, None), td_errors, None)


class _SharedMemory:
    """Transfer to the CPU: the sampled batch itself."""

    def send(self, sampled: TensorBatch) -> TensorBatch:
        return sampled

    def receive(self, batch: TensorBatch) -> None:
        """Nothing to wait for."""

    def send_back(self, td_errors: Tensor) -> tuple[Tensor, None]:
        return td_errors, None

    def close(self) -> None:
        """Nothing to wait for."""


class _CopyAhead:
    """Transfer to a GPU: a stream that copies into two buffers alternately."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._buffers: list[_Buffer] = []
        self._turn = 0

    def send(self, sampled: TensorBatch) -> TensorBatch:
        """Start the copy of `sampled` into the buffer that is not in use next."""
        if len(self._buffers) < 2:
            self._buffers.append(_Buffer(sampled, self._device, self._stream))
        buffer = self._buffers[self._turn]
        self._turn = 1 - self._turn
        buffer.copied.synchronize()
        buffer.sampled = sampled
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._stream):
            for target, source in zip(buffer.batch.tensors(), sampled.tensors(), strict=True):
                target.copy_(source, non_blocking=True)
            buffer.copied.record()
        return buffer.batch

    def receive(self, batch: TensorBatch) -> None:
        """Make the current stream wait for the copy into `batch`."""
        (buffer,) = (buffer for buffer in self._buffers if buffer.batch is batch)
        torch.cuda.current_stream(self._device).wait_event(buffer.copied)

    def send_back(self, td_errors: Tensor) -> tuple[Tensor, torch.cuda.Event]:
        """Start the copy of TD errors to pinned memory on the current stream; returns that memory and its event."""
        host = torch.empty(td_errors.shape, dtype=td_errors.dtype, pin_memory=True)
        host.copy_(td_errors, non_blocking=True)
        copied = torch.cuda.Event()
        copied.record()
        return host, copied

    def close(self) -> None:
        self._stream.synchronize()
        self._buffers.clear()


class _Buffer:
    """Device memory for a batch."""

    def __init__(self, like: TensorBatch, device: torch.device, stream: torch.cuda.Stream) -> None:
        self.batch = like.map(lambda tensor: torch.empty_like(tensor, device=device))
        for tensor in self.batch.tensors():
            tensor.record_stream(stream)
        self.copied = torch.cuda.Event()
        self.sampled: TensorBatch | None = None
        """The batch copied last, whose memory must not change before `copied`."""
