"""The device prefetcher returns the batches of the replay's prefetch in order, each complete and not overwritten.

Without a GPU, CUDA streams are simulated: queues of work that a random schedule runs in any order that events allow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from apexline.replay import PrioritizedFrameReplay, TensorBatch, device
from apexline.replay.buffer_pool import BufferPool
from apexline.replay.device import GATHERED_AHEAD, STALENESS, DevicePrefetcher

from .cuda_streams import Event, Mark, Streams
from .replays import filled

SIZE = 4


def numbered_batch(number: int) -> TensorBatch:
    """A batch that is `number` all over."""
    values = torch.full((SIZE,), float(number))
    images = torch.full((SIZE, 2, 6, 6), number % 256, dtype=torch.uint8)
    indices = torch.full((SIZE,), number)
    return TensorBatch(images, values[:, None], values, values, images, values, indices, {})


class Numbered:
    """A replay and its prefetch in one: numbered batches; it records the TD errors that it is given."""

    def __init__(self, count: int = 1_000) -> None:
        self.count = count
        self.taken = 0
        self.closed = 0
        self.updates: list[tuple[int, list[float]]] = []

    def prefetch(
        self, batch_size: int, depth: int, beta: float | None, *, shift: int | None, as_torch: bool
    ) -> Numbered:
        assert (batch_size, depth, beta, shift, as_torch) == (SIZE, GATHERED_AHEAD, None, None, True)
        return self

    def update_priorities(self, indices: Tensor, td_errors: Tensor) -> int:
        (number,) = set(indices.tolist())
        self.updates.append((number, td_errors.tolist()))
        return 1

    def __iter__(self) -> Iterator[TensorBatch]:
        return self

    def __next__(self) -> TensorBatch:
        if self.taken == self.count:
            raise StopIteration
        self.taken += 1
        return numbered_batch(self.taken - 1)

    def close(self) -> None:
        self.closed += 1


def on_cpu(replay: Any) -> DevicePrefetcher:
    return DevicePrefetcher(replay, SIZE, "cpu")


def number_of(batch: TensorBatch) -> int:
    (number,) = set(np.concatenate([tensor.numpy().ravel() for tensor in batch.tensors()]).tolist())
    return int(number)


def errors_of(number: int) -> Tensor:
    return torch.full((SIZE,), 1.0 + number)


def test_batches_come_in_order_and_are_taken_one_ahead() -> None:
    source = Numbered()
    batches = on_cpu(source)
    assert source.taken == 0
    for number in range(5):
        assert number_of(next(batches)) == number
        assert source.taken == number + 1 + STALENESS - GATHERED_AHEAD


def test_on_the_cpu_a_batch_is_the_sampled_one() -> None:
    class Remembering(Numbered):
        def __next__(self) -> TensorBatch:
            self.last = super().__next__()
            return self.last

    source = Remembering()
    batches = on_cpu(source)
    next(batches)
    sampled = source.last
    assert next(batches) is sampled


def test_a_source_that_ends_is_returned_completely() -> None:
    for count in range(4):
        assert [number_of(batch) for batch in on_cpu(Numbered(count))] == list(range(count))


def test_an_error_of_the_source_loses_no_batch() -> None:
    class Failing(Numbered):
        calls = 0

        def __next__(self) -> TensorBatch:
            self.calls += 1
            if self.calls % 2:
                raise ValueError("nothing can be sampled")
            return super().__next__()

    batches = on_cpu(Failing())
    numbers = []
    for _ in range(9):
        try:
            numbers.append(number_of(next(batches)))
        except ValueError as error:
            assert str(error) == "nothing can be sampled"  # noqa: PT017 - raised by every other call
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= 3


def test_closing_closes_the_source() -> None:
    source = Numbered()
    with on_cpu(source) as batches:
        next(batches)
    assert source.closed == 1
    assert list(batches) == []
    assert source.taken == 2
    batches.close()
    unused = Numbered()
    batches = on_cpu(unused)
    batches.close()
    assert list(batches) == []
    assert unused.taken == 0


def test_td_errors_reach_the_replay_one_update_later() -> None:
    source = Numbered()
    batches = on_cpu(source)
    for number in range(3):
        next(batches)
        batches.update_priorities(errors_of(number).requires_grad_())
        assert source.updates == [(done, errors_of(done).tolist()) for done in range(number)]
    batches.flush()
    batches.flush()
    assert [number for number, _ in source.updates] == [0, 1, 2]
    assert batches.stale_updates == 3


def test_td_errors_belong_to_one_batch() -> None:
    batches = on_cpu(Numbered())
    with pytest.raises(RuntimeError, match="needs a batch from next"):
        batches.update_priorities(errors_of(0))
    next(batches)
    with pytest.raises(ValueError, match=r"td_errors.shape is \(1,\); expected \(4,\)"):
        batches.update_priorities(torch.zeros(1))
    batches.update_priorities(errors_of(0))
    with pytest.raises(RuntimeError, match="once for each"):
        batches.update_priorities(errors_of(0))


def test_beta_and_shift_of_later_batches_may_be_set() -> None:
    replay = filled(seed=4, shift=1)
    with DevicePrefetcher(replay, SIZE, "cpu", beta=0.25) as batches:
        assert (batches.beta, batches.shift) == (0.25, 1)
        batches.beta, batches.shift = 0.0, 0
        assert set(next(batches).weights.tolist()) == {1.0}
        batches.shift = 2
        with pytest.raises(ValueError, match="shift"):
            next(batches)


def test_beta_and_shift_are_arguments() -> None:
    replay = filled(seed=4, shift=1)
    with DevicePrefetcher(replay, SIZE, "cpu", beta=0.25, shift=0) as batches:
        assert (batches.beta, batches.shift) == (0.25, 0)
        assert "<Prefetch: depth=2, beta=0.25, shift=0>" in repr(batches)


def test_a_misspelt_attribute_is_refused() -> None:
    with pytest.raises(AttributeError):
        on_cpu(filled()).beat = 0.5  # type: ignore[attr-defined]


def test_it_returns_what_the_replay_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches are sampled STALENESS calls early, and memory is not reused while it is held."""
    monkeypatch.setattr(BufferPool, "MAX_FREE", 1)
    replay, peer = filled(seed=4, alpha=1.0), filled(seed=4, alpha=1.0)
    batches = on_cpu(replay)
    ahead: deque[Any] = deque()
    late: list[Any] = []
    held, copies = [], []
    for update in range(30):
        while len(ahead) <= STALENESS:
            ahead.append(peer.sample(SIZE, as_torch=True))
        batch = next(batches)
        expected = ahead.popleft()
        for given, wanted in zip(batch.tensors(), expected.tensors(), strict=True):
            assert torch.equal(given, wanted)
        batches.update_priorities(errors_of(update))
        for indices, errors in late:
            peer.update_priorities(indices, errors)
        late = [(expected.indices.numpy(), errors_of(update))]
        if update % 3 == 0:
            held.append(batch)
            copies.append(batch.map(torch.clone))
        del batch
    batches.close()
    for batch, copied in zip(held, copies, strict=True):
        assert all(torch.equal(*pair) for pair in zip(batch.tensors(), copied.tensors(), strict=True))


@pytest.fixture(params=range(8))
def streams(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Streams:
    """Replaces torch.cuda's: a copy is work of the current stream, one tensor at a time."""
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
    empty = torch.empty

    def unpinned(*shape: Any, **options: Any) -> Tensor:
        options.pop("pin_memory", None)
        return empty(*shape, **options)

    monkeypatch.setattr(torch, "empty", unpinned)
    return streams


def copying(source: Any) -> DevicePrefetcher:
    """A prefetcher that copies as to a GPU, with the fixture `streams` in place of one."""
    batches = on_cpu(source)
    batches._transfer = device._CopyAhead(torch.device("cpu"))
    return batches


OWNERLESS: dict[tuple[int, tuple[int, ...]], Tensor] = {}
"""The memory of `Recycled` batches by address and shape; it does not keep a batch alive."""


class Recycled(Numbered):
    """Batches whose memory is overwritten when they are deleted, as that of a buffer pool."""

    def __next__(self) -> TensorBatch:
        batch = super().__next__()
        memory = [tensor.numpy() for tensor in batch[:-1]]
        OWNERLESS.update({(array.ctypes.data, array.shape): torch.from_numpy(array) for array in memory})
        owner = Owner(memory)
        fields = [torch.from_numpy(np.asarray(View(array, owner))) for array in memory]
        return TensorBatch(*fields, {})  # type: ignore[call-arg]


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
    batches = copying(source)
    seen: list[int] = []

    def note(batch: TensorBatch) -> None:
        seen.append(number_of(batch))

    for number in range(40):
        batch = next(batches)
        assert source.taken == number + 1 + STALENESS - GATHERED_AHEAD
        for _ in range(2):
            streams.compute.add(partial(note, batch))
        streams.run_a_little()
    streams.compute.synchronize()
    assert seen == [number for number in range(40) for _ in range(2)]


def test_td_errors_are_read_after_the_update_that_computes_them(streams: Streams) -> None:
    """Also if every update writes them to the same memory, as a CUDA graph does."""
    source = Recycled()
    batches = copying(source)
    td_errors = torch.zeros(SIZE)
    for number in range(40):
        next(batches)
        streams.compute.add(partial(td_errors.fill_, 1.0 + number))
        batches.update_priorities(td_errors)
        streams.run_a_little()
    batches.flush()
    assert source.updates == [(number, errors_of(number).tolist()) for number in range(40)]


def test_a_copy_runs_while_an_update_does(streams: Streams) -> None:
    batches = copying(Numbered())
    for number in range(4):
        batch = next(batches)
        update = Mark()
        streams.compute.work.append(update)
        streams.all[1].synchronize()
        assert number_of(batches._next.batch) == number + 1  # type: ignore[union-attr]
        assert number_of(batch) == number, "the update still reads it"
        update.passed = True


def test_the_host_waits_if_it_is_far_ahead(streams: Streams) -> None:
    """Otherwise more than three batches would be held in host memory."""
    before = Owner.alive
    batches = copying(Recycled())
    for _ in range(20):
        next(batches)
        streams.compute.add(lambda: None)
        assert Owner.alive - before <= 3


def test_closing_waits_for_the_copies(streams: Streams) -> None:
    source = Recycled()
    batches = copying(source)
    next(batches)
    batches.close()
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
def test_values_are_right_under_load(load: int) -> None:
    """The device multiplies a matrix of `load` rows for each batch, so that it is behind the host."""
    count = 60
    replay, peer = replay_of_many_images(), replay_of_many_images()
    on_host = DevicePrefetcher(peer, 64, "cpu")
    expected = [next(on_host).map(lambda tensor: tensor.to("cuda")) for _ in range(count)]
    rows, square = torch.rand(load, 4_000, device="cuda"), torch.rand(4_000, 4_000, device="cuda")
    wrong = torch.zeros((), dtype=torch.int64, device="cuda")
    torch.cuda.synchronize()
    with DevicePrefetcher(replay, 64, "cuda") as batches:
        for right in expected:
            batch = next(batches)
            if load:
                rows @ square
            for given, wanted in zip(batch.tensors(), right.tensors(), strict=True):
                assert given.is_cuda
                wrong += (given != wanted).sum()
    assert int(wrong) == 0


@pytest.mark.gpu
@needs_gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype:UserWarning")
def test_on_the_gpu_it_never_waits_for_a_stream() -> None:
    batches = DevicePrefetcher(replay_of_many_images(), 256, "cuda")
    next(batches)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(5):
            batch = next(batches)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert batch.reward.isfinite().all()
    batches.close()
