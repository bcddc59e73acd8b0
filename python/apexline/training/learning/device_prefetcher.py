"""Batches on their way to the agent's device: one is copied while the update of the one before runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import torch

from apexline.agent import TensorBatch
from apexline.replay import TensorBatch as ReplayBatch


class Source(Protocol):
    """Where batches come from, as `PrioritizedFrameReplay.prefetch(batch_size, as_torch=True)`."""

    def __iter__(self) -> Iterator[ReplayBatch]: ...

    def __next__(self) -> ReplayBatch: ...

    def close(self) -> None: ...


class Fed(NamedTuple):
    """A batch twice: as it was drawn, and as the agent takes it."""

    drawn: ReplayBatch
    """On the host; its `indices` are where the TD errors go."""
    batch: TensorBatch
    """On the agent's device."""


class Feed(Iterator[Fed]):
    """The batches of a source, in its order, on the agent's device.

    The call of `next` that hands out batch j takes batch j + 1 from the source; the first call takes 0 and 1. So what
    is computed is the same on every device, though only a GPU needs the batch ahead:

    - On the CPU a batch is handed through in its own memory.
    - On CUDA batch j + 1 goes from its pinned memory to one of two buffers on the device, on a stream of its own, while
      the update of batch j runs. Work that is queued on the current stream after `next` waits for the batch handed out,
      and the copy into a buffer waits for all work that was queued before the call of `next` that began it: queue an
      update before the next call, and read a batch no more after that. The host waits for nothing but the copy of the
      batch handed out last, which is over unless the host is two updates ahead of the device.

    `drawn` is valid for as long as it is held, `batch` on CUDA until the next call. Close the feed, or use it in a
    `with` statement, before the replay goes.

    Args:
        source: its batches must all have one shape. The feed closes it.
        device: the agent's.
    """

    depth_ahead = 1
    """Batches taken before they are needed. The priorities behind a batch are this much older than the source's own
    depth makes them: 3 batches with a prefetch of depth 2."""

    def __init__(self, source: Source, device: torch.device | str) -> None:
        self._source = source
        device = torch.device(device)
        self._road: _SameMemory | _CopyAhead
        self._road = _CopyAhead(device) if device.type == "cuda" else _SameMemory()
        self._ahead: Fed | None = None
        self._begun = False
        self._closed = False

    def __next__(self) -> Fed:
        """Raises StopIteration once the feed is closed or the source is at its end, and whatever the source raises."""
        if self._closed:
            raise StopIteration
        if not self._begun:
            self._ahead = self._take()
            self._begun = True
        if self._ahead is None:
            raise StopIteration
        fed, self._ahead = self._ahead, self._take()
        self._road.receive(fed.batch)
        return fed

    def close(self) -> None:
        """Waits for the copies under way and closes the source. May be called again."""
        self._closed = True
        self._road.close()
        self._ahead = None
        self._source.close()

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self) -> Fed | None:
        drawn = next(self._source, None)
        return None if drawn is None else Fed(drawn, self._road.send(drawn))


class _SameMemory:
    """The way to an agent on the CPU: it takes what was drawn."""

    def send(self, drawn: ReplayBatch) -> TensorBatch:
        return _for_agent(drawn)

    def receive(self, batch: TensorBatch) -> None:
        """It is there."""

    def close(self) -> None:
        """Nothing is under way."""


class _CopyAhead:
    """The way to an agent on a GPU: a stream of copies into two buffers in turn."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._buffers: list[_Buffer] = []
        self._turn = 0

    def send(self, drawn: ReplayBatch) -> TensorBatch:
        """Begins the copy of `drawn` into the buffer that is not waited for next."""
        source = _for_agent(drawn)
        if len(self._buffers) < 2:
            self._buffers.append(_Buffer(source, self._device, self._stream))
        buffer = self._buffers[self._turn]
        self._turn = 1 - self._turn
        buffer.copied.synchronize()
        buffer.drawn = drawn
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._stream):
            for target, field in zip(buffer.batch, source, strict=True):
                target.copy_(field, non_blocking=True)
            buffer.copied.record()
        return buffer.batch

    def receive(self, batch: TensorBatch) -> None:
        """Lets the current stream wait for the copy into `batch`."""
        (buffer,) = (buffer for buffer in self._buffers if buffer.batch is batch)
        torch.cuda.current_stream(self._device).wait_event(buffer.copied)

    def close(self) -> None:
        self._stream.synchronize()
        self._buffers.clear()


class _Buffer:
    """Memory for a batch on the device."""

    def __init__(self, like: TensorBatch, device: torch.device, stream: torch.cuda.Stream) -> None:
        self.batch = TensorBatch(*(torch.empty_like(field, device=device) for field in like))
        for field in self.batch:
            field.record_stream(stream)
        self.copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self.drawn: ReplayBatch | None = None
        """What was copied last, whose memory must stay as it is until `copied`."""


def _for_agent(drawn: ReplayBatch) -> TensorBatch:
    return TensorBatch(**{name: getattr(drawn, name) for name in TensorBatch._fields})
