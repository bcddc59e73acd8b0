"""Memory of batches is reused, but never while a reference to it exists."""

import gc
import threading
from collections import deque
from itertools import pairwise

import numpy as np
import pytest

from apexline.replay import buffer_pool
from apexline.replay.buffer_pool import ALIGNMENT, BufferPool
from apexline.replay.fields import Field

from .replays import batch_bytes, filled


def address(batch):
    return batch.obs.ctypes.data


def arrays_of(batch):
    return [*batch[:-1], *batch.extras.values()]


@pytest.fixture
def replay():
    return filled()


@pytest.mark.parametrize("held", [0, 1, 3])
def test_memory_is_reused_after_a_batch_is_deleted(replay, monkeypatch, held):
    allocated = []
    allocate = buffer_pool._allocate
    monkeypatch.setattr(buffer_pool, "_allocate", lambda nbytes: allocated.append(nbytes) or allocate(nbytes))
    batches = deque(maxlen=held)
    for _ in range(20):
        batches.append(replay.sample(16))
    assert len(allocated) == held + 1


@pytest.mark.parametrize("field", range(9))
def test_memory_is_kept_while_any_array_of_the_batch_is_referenced(replay, field):
    batch = replay.sample(16)
    place, kept = address(batch), arrays_of(batch)[field]
    before = kept.tobytes()
    del batch
    assert address(replay.sample(16)) != place
    assert kept.tobytes() == before
    del kept
    assert address(replay.sample(16)) == place


@pytest.mark.parametrize(
    "look",
    [
        lambda batch: batch.obs[3:5],
        lambda batch: batch.obs[1:][::2][..., 0].T,
        lambda batch: batch.indices.reshape(4, 4).view(np.uint8),
        lambda batch: memoryview(batch.action),
        lambda batch: np.broadcast_to(batch.reward, (3, 16)),
        lambda batch: np.asarray(memoryview(batch.extras["hidden"]))[2],
    ],
    ids=["slice", "view of a view", "reinterpreted", "memoryview", "broadcast", "array of a memoryview"],
)
def test_memory_is_kept_while_any_view_is_referenced(replay, look):
    batch = replay.sample(16)
    place, view = address(batch), look(batch)
    before = bytes(np.asarray(view).tobytes())
    del batch
    for _ in range(3):
        assert address(replay.sample(16)) != place
    assert np.asarray(view).tobytes() == before
    del view
    gc.collect()
    assert address(replay.sample(16)) == place


@pytest.mark.parametrize("field", ["obs", "weights", "extras"])
def test_memory_is_kept_while_a_tensor_is_referenced(replay, field):
    pytest.importorskip("torch")
    batch = replay.sample(16, as_torch=True)
    place = batch.obs.data_ptr()
    tensor = batch.extras["log_prob"] if field == "extras" else getattr(batch, field)
    view = tensor[2:].reshape(-1)[1:]
    before = view.tolist()
    del batch, tensor
    assert replay.sample(16, as_torch=True).obs.data_ptr() != place
    assert view.tolist() == before
    del view
    assert replay.sample(16, as_torch=True).obs.data_ptr() == place


def test_tensors_share_the_memory_of_the_arrays(replay):
    torch = pytest.importorskip("torch")
    out = replay.empty_batch(16)
    batch = replay.sample(16, out=out, as_torch=True)
    tensors = [*batch[:-1], *batch.extras.values()]
    for tensor, array in zip(tensors, arrays_of(out), strict=True):
        assert isinstance(tensor, torch.Tensor)
        assert tensor.data_ptr() == array.ctypes.data
        np.testing.assert_array_equal(tensor.numpy(), array)
    assert list(batch.extras) == list(out.extras)


@pytest.mark.gpu
def test_tensors_are_pinned_if_there_is_a_gpu():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    batch = filled().sample(16, as_torch=True)
    assert all(tensor.is_pinned() for tensor in (*batch[:-1], *batch.extras.values()))


def test_batches_held_in_a_list_stay_intact(replay):
    twin = filled()
    held = [replay.sample(16) for _ in range(12)]
    for batch in held:
        assert batch_bytes(batch) == batch_bytes(twin.sample(16))
    assert len({address(batch) for batch in held}) == 12


def test_batch_sizes_may_change_from_call_to_call(replay):
    twin = filled()
    held = []
    for batch_size in (1, 40, 7, 40, 40, 1, 100, 7):
        held.append(replay.sample(batch_size))
        replay.sample(batch_size)
    for batch in held:
        batch_size = len(batch.indices)
        assert batch_bytes(batch) == batch_bytes(twin.sample(batch_size, out=twin.empty_batch(batch_size)))
        twin.sample(batch_size)


@pytest.mark.parametrize("batch_size", [1, 3, 16, 33])
def test_arrays_begin_at_cache_lines_and_do_not_overlap(replay, batch_size):
    for batch in (replay.sample(batch_size), replay.empty_batch(batch_size)):
        arrays = sorted(arrays_of(batch), key=lambda array: array.ctypes.data)
        assert all(array.ctypes.data % ALIGNMENT == 0 for array in arrays)
        assert all(array.flags.c_contiguous and array.flags.writeable for array in arrays)
        for array, following in pairwise(arrays):
            assert array.ctypes.data + array.nbytes <= following.ctypes.data


@pytest.mark.parametrize("offset", [1, 8, 63, 64])
def test_images_may_be_written_to_any_address(offset):
    """Batches large enough for streaming stores, which write whole cache lines."""
    options = {"frame_shape": (42, 33), "frame_stack": 4, "extras": {}, "shift": 3}
    replay, twin = filled(**options), filled(**options)
    batch_size = 200
    out = replay.empty_batch(batch_size)
    room = np.zeros(out.obs.nbytes + 2 * ALIGNMENT, np.uint8)
    begin = -room.ctypes.data % ALIGNMENT + offset
    obs = room[begin : begin + out.obs.nbytes].reshape(out.obs.shape)
    replay.sample(batch_size, out=out._replace(obs=obs))
    np.testing.assert_array_equal(obs, twin.sample(batch_size).obs)
    assert not room[:begin].any()
    assert not room[begin + out.obs.nbytes :].any()


def test_memory_outlives_its_replay():
    replay, twin = filled(), filled()
    batch = replay.sample(16)
    del replay
    gc.collect()
    assert batch_bytes(batch) == batch_bytes(twin.sample(16))


def test_concurrent_samples_get_separate_memory(replay):
    together = threading.Barrier(4)
    held = [[] for _ in range(4)]

    def work(batches):
        together.wait()
        for _ in range(30):
            batches.append(replay.sample(16))
            replay.sample(16)

    threads = [threading.Thread(target=work, args=(batches,)) for batches in held]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    batches = [batch for batches in held for batch in batches]
    assert len({address(batch) for batch in batches}) == 120
    twin = filled()
    sampled = {tuple(batch_bytes(twin.sample(16))) for _ in range(240)}
    assert all(tuple(batch_bytes(batch)) in sampled for batch in batches)


def test_another_thread_may_change_the_batch_size_during_acquire():
    shared = BufferPool([Field((10,), np.dtype(np.float64))])

    class Interrupted(list):
        """Another thread acquires and releases a smaller batch just before a block is taken."""

        def pop(self):
            shared._free = list(self)
            del shared.acquire(1)[:]
            return shared._free.pop()

    shared.acquire(8)
    shared._free = Interrupted(shared._free)
    [array] = shared.acquire(8)
    assert array.shape == (8, 10)
