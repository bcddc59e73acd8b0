"""The feed hands on what the source gives, in order, one batch late, and never too early or overwritten.

Where there is no GPU, streams are played: queues of work that a random schedule runs in any order that events allow.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from apexline.agent import TensorBatch
from apexline.replay import PrioritizedFrameReplay
from apexline.replay import TensorBatch as ReplayBatch
from apexline.replay.buffer_pool import Arenas
from apexline.training.learning import device_prefetcher as feed_module
from apexline.training.learning.device_prefetcher import Feed

from .replays import filled

SIZE = 4


def drawn_batch(number: int) -> ReplayBatch:
    """A batch that is `number` all over."""
    values = torch.full((SIZE,), float(number))
    images = torch.full((SIZE, 2, 6, 6), number % 256, dtype=torch.uint8)
    indices = torch.full((SIZE,), number)
    return ReplayBatch(images, values[:, None], values, values, images, values, indices, {})


class Numbered:
    """A source of numbered batches that counts what was taken."""

    def __init__(self, count: int = 1_000) -> None:
        self.count = count
        self.taken = 0
        self.closed = 0

    def __iter__(self) -> Iterator[ReplayBatch]:
        return self

    def __next__(self) -> ReplayBatch:
        if self.taken == self.count:
            raise StopIteration
        self.taken += 1
        return drawn_batch(self.taken - 1)

    def close(self) -> None:
        self.closed += 1


def number_of(batch: TensorBatch) -> int:
    (number,) = set(np.concatenate([field.numpy().ravel() for field in batch]).tolist())
    return int(number)


def test_batches_come_in_order_and_one_late() -> None:
    source = Numbered()
    feed = Feed(source, "cpu")
    assert source.taken == 0
    for number in range(5):
        drawn, batch = next(feed)
        assert set(drawn.indices.tolist()) == {number}
        assert number_of(batch) == number
        assert source.taken == number + 1 + Feed.depth_ahead


def test_the_cpu_gets_the_very_memory() -> None:
    drawn, batch = next(Feed(Numbered(), "cpu"))
    for name, field in batch._asdict().items():
        assert field is getattr(drawn, name)


def test_a_source_that_ends_is_handed_on_whole() -> None:
    for count in range(4):
        numbers = [number_of(batch) for _, batch in Feed(Numbered(count), "cpu")]
        assert numbers == list(range(count))


def test_an_error_of_the_source_loses_no_batch() -> None:
    class Stumbling(Numbered):
        stumbles = 0

        def __next__(self) -> ReplayBatch:
            self.stumbles += 1
            if self.stumbles % 2:
                raise ValueError("nothing can be sampled")
            return super().__next__()

    feed = Feed(Stumbling(), "cpu")
    numbers = []
    for _ in range(9):
        try:
            numbers.append(number_of(next(feed).batch))
        except ValueError as error:
            assert str(error) == "nothing can be sampled"  # noqa: PT017 - it comes in between
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= 3


def test_closing_ends_feed_and_source() -> None:
    source = Numbered()
    with Feed(source, "cpu") as feed:
        next(feed)
    assert source.closed == 1
    assert list(feed) == []
    assert source.taken == 2
    feed.close()
    unused = Numbered()
    feed = Feed(unused, "cpu")
    feed.close()
    assert list(feed) == []
    assert unused.taken == 0


def test_it_feeds_what_the_prefetch_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Priorities are one batch older than the prefetch's depth makes them, and no memory is used again while held."""
    monkeypatch.setattr(Arenas, "MOST_FREE", 1)
    depth = 2
    replay, peer = filled(seed=4, alpha=1.0), filled(seed=4, alpha=1.0)
    feed = Feed(replay.prefetch(SIZE, depth, as_torch=True), "cpu")
    ahead: deque[Any] = deque()
    held, copies = [], []
    for update in range(30):
        while len(ahead) <= depth + Feed.depth_ahead:
            ahead.append(peer.sample(SIZE, as_torch=True))
        drawn, batch = next(feed)
        expected = ahead.popleft()
        assert torch.equal(drawn.indices, expected.indices)
        for name, field in batch._asdict().items():
            assert torch.equal(field, getattr(expected, name)), name
        errors = np.full(SIZE, 1.0 + update)
        for memory in (replay, peer):
            memory.update_priorities(expected.indices.numpy(), errors)
        if update % 3 == 0:
            held.append(batch)
            copies.append([field.clone() for field in batch])
        del drawn, batch
    feed.close()
    for batch, copied in zip(held, copies, strict=True):
        assert all(torch.equal(field, copy) for field, copy in zip(batch, copied, strict=True))


class Streams:
    """Streams of work, run one piece at a time, in any order in which every wait is kept."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.compute = Stream(self)
        self.current = self.compute
        self.all = [self.compute]

    def side(self, device: Any) -> Stream:
        assert torch.device(device).type == "cpu"
        self.all.append(Stream(self))
        return self.all[-1]

    @contextmanager
    def on(self, stream: Stream) -> Iterator[None]:
        before, self.current = self.current, stream
        yield
        self.current = before

    def run_until(self, is_over: Callable[[], bool]) -> None:
        while not is_over():
            ready = [stream for stream in self.all if stream.is_ready()]
            assert ready, "every stream waits for another"
            self.random.choice(ready).step()

    def run_a_little(self) -> None:
        for _ in range(self.random.randrange(12)):
            ready = [stream for stream in self.all if stream.is_ready()]
            if ready:
                self.random.choice(ready).step()


class Mark:
    """A point in a stream."""

    passed = False


class Stream:
    def __init__(self, streams: Streams) -> None:
        self.streams = streams
        self.work: deque[Mark | Callable[[], object]] = deque()
        """Work to do, or marks of other streams to wait for."""

    def add(self, work: Callable[[], object]) -> None:
        self.work.append(work)

    def mark(self) -> Mark:
        mark = Mark()
        self.add(lambda: setattr(mark, "passed", True))
        return mark

    def wait_stream(self, other: Stream) -> None:
        self.work.append(other.mark())

    def wait_event(self, event: Event) -> None:
        self.work.append(event.mark)

    def synchronize(self) -> None:
        self.streams.run_until(lambda: not self.work)

    def is_ready(self) -> bool:
        if not self.work:
            return False
        first = self.work[0]
        return first.passed if isinstance(first, Mark) else True

    def step(self) -> None:
        first = self.work.popleft()
        if not isinstance(first, Mark):
            first()


class Event:
    streams: Streams

    def __init__(self) -> None:
        self.mark = Mark()
        self.mark.passed = True

    def record(self) -> None:
        self.mark = self.streams.current.mark()

    def synchronize(self) -> None:
        self.streams.run_until(lambda: self.mark.passed)


@pytest.fixture(params=range(8))
def streams(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Streams:
    """In place of CUDA's: a copy happens when its stream gets to it, field by field."""
    streams = Streams(request.param)
    copy = torch.Tensor.copy_

    def queue_copy(target: Tensor, source: Tensor, non_blocking: bool = False) -> Tensor:
        assert non_blocking
        memory = OWNERLESS.get((source.data_ptr(), tuple(source.shape)), source)
        streams.current.add(partial(copy, target, memory))
        return target

    OWNERLESS.clear()
    monkeypatch.setattr(Event, "streams", streams, raising=False)
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "Stream", streams.side)
    monkeypatch.setattr(torch.cuda, "stream", streams.on)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: streams.current)
    monkeypatch.setattr(torch.Tensor, "copy_", queue_copy)
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda *_: None)
    return streams


def copying(source: Any) -> Feed:
    """A feed that copies as to a GPU, where the fixture `streams` stands in for one."""
    feed = Feed(source, "cpu")
    feed._road = feed_module._CopyAhead(torch.device("cpu"))
    return feed


OWNERLESS: dict[tuple[int, tuple[int, ...]], Tensor] = {}
"""The memory of `Recycled` batches by address and shape, which does not keep them."""


class Recycled(Numbered):
    """Batches whose memory is overwritten as soon as nobody holds them, as that of arenas may be."""

    def __next__(self) -> ReplayBatch:
        batch = super().__next__()
        memory = [tensor.numpy() for tensor in batch[:-1]]
        OWNERLESS.update({(array.ctypes.data, array.shape): torch.from_numpy(array) for array in memory})
        owner = Owner(memory)
        fields = [torch.from_numpy(np.asarray(View(array, owner))) for array in memory]
        return ReplayBatch(*fields, {})


class Owner:
    alive = 0

    def __init__(self, memory: list[Any]) -> None:
        self.memory = memory
        Owner.alive += 1

    def __del__(self) -> None:
        Owner.alive -= 1
        for array in self.memory:
            array[...] = 99


class View:
    def __init__(self, array: Any, owner: Owner) -> None:
        self.__array_interface__ = array.__array_interface__
        self.owner = owner


def test_updates_read_the_batch_they_were_given(streams: Streams) -> None:
    source = Recycled()
    feed = copying(source)
    seen: list[int] = []

    def note(batch: TensorBatch) -> None:
        seen.append(number_of(batch))

    for number in range(40):
        drawn, batch = next(feed)
        assert set(drawn.indices.tolist()) == {number}
        assert source.taken == number + 1 + Feed.depth_ahead
        del drawn
        for _ in range(2):
            streams.compute.add(partial(note, batch))
        streams.run_a_little()
    streams.compute.synchronize()
    assert seen == [number for number in range(40) for _ in range(2)]


def test_a_copy_runs_while_an_update_does(streams: Streams) -> None:
    feed = copying(Numbered())
    for number in range(4):
        _, batch = next(feed)
        update = Mark()
        streams.compute.work.append(update)
        streams.all[1].synchronize()
        assert number_of(feed._ahead.batch) == number + 1  # type: ignore[union-attr]
        assert number_of(batch) == number, "which the update still reads"
        update.passed = True


def test_the_host_is_held_when_it_is_far_ahead(streams: Streams) -> None:
    """So that no more than three batches are held in host memory."""
    before = Owner.alive
    feed = copying(Recycled())
    for _ in range(20):
        next(feed)
        streams.compute.add(lambda: None)
        assert Owner.alive - before <= 3


def test_closing_waits_for_the_copies(streams: Streams) -> None:
    source = Recycled()
    feed = copying(source)
    next(feed)
    feed.close()
    assert not streams.all[1].work
    assert source.closed == 1


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def replay_of_many_images() -> PrioritizedFrameReplay:
    replay = PrioritizedFrameReplay(
        capacity=4_000, num_envs=4, frame_shape=(84, 84), action_shape=(2,), frame_stack=3, seed=3
    )
    rng = np.random.default_rng(0)
    no = np.zeros(4, bool)
    for _ in range(400):
        frames = rng.integers(0, 255, (4, 84, 84), np.uint8)
        replay.add(frames, rng.uniform(-1, 1, (4, 2)), rng.standard_normal(4), no, no)
    return replay


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("load", [0, 4_000])
def test_values_arrive_right_under_load(load: int) -> None:
    """The device has a product of `load` rows to do for each batch, so that it is behind the host."""
    count = 60
    replay, peer = replay_of_many_images(), replay_of_many_images()
    on_cpu = Feed(peer.prefetch(64, as_torch=True), "cpu")
    expected = [TensorBatch(*(field.to("cuda") for field in next(on_cpu).batch)) for _ in range(count)]
    rows, square = torch.rand(load, 4_000, device="cuda"), torch.rand(4_000, 4_000, device="cuda")
    wrong = torch.zeros((), dtype=torch.int64, device="cuda")
    torch.cuda.synchronize()
    with Feed(replay.prefetch(64, as_torch=True), "cuda") as feed:
        for right in expected:
            batch = next(feed).batch
            if load:
                rows @ square
            for given, wanted in zip(batch, right, strict=True):
                assert given.is_cuda
                wrong += (given != wanted).sum()
    assert int(wrong) == 0


@pytest.mark.gpu
@needs_gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype:UserWarning")
def test_a_feed_on_the_gpu_never_waits_for_a_stream() -> None:
    feed = Feed(replay_of_many_images().prefetch(256, as_torch=True), "cuda")
    next(feed)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(5):
            _, batch = next(feed)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert batch.reward.isfinite().all()
    feed.close()
