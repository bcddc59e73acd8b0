"""A prefetch returns the batches that `sample` would return at fixed points, independent of timing."""

import re
import time
from collections import deque

import numpy as np
import pytest

from apexline.replay import buffer_pool

from .prefetches import SampledAhead, add_number, numbered
from .replays import add_random_step, batch_bytes, filled, make, state_bytes


def raises(error, message):
    return pytest.raises(error, match=re.escape(message))


def training(replay, batches, rounds, pause=lambda: None):
    """The bytes of all batches of a loop that adds, prefetches, samples and updates."""
    random, seen = np.random.default_rng(5), []
    for _ in range(rounds):
        for _ in range(random.integers(0, 4)):
            add_random_step(replay, random)
            pause()
        batches.beta, batches.shift = random.random(), int(random.integers(0, replay.shift + 1))
        batch = next(batches)
        pause()
        stale = replay.update_priorities(batch.indices, random.normal(size=len(batch.indices)))
        seen.append((batch_bytes(batch), stale))
        if random.random() < 0.2:
            seen.append(batch_bytes(replay.sample(3)))
    return [*seen, state_bytes(replay)]


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("batch_size", [1, 16, 90])
def test_batches_are_those_of_samples_at_the_same_points(depth, batch_size):
    replay, twin = filled(), filled()
    with replay.prefetch(batch_size, depth) as prefetch:
        seen = training(replay, prefetch, rounds=30)
    assert seen == training(twin, SampledAhead(twin, batch_size, depth), rounds=30)


@pytest.mark.parametrize("num_threads", [1, 2, 5])
def test_timing_and_threads_do_not_matter(num_threads):
    clock = np.random.default_rng()
    replay, twin = filled(num_threads=num_threads), filled()
    with replay.prefetch(64, depth=3) as prefetch:
        seen = training(replay, prefetch, 25, pause=lambda: time.sleep(clock.uniform(0, 1e-3)))
    assert seen == training(twin, SampledAhead(twin, 64, 3), 25)


@pytest.mark.parametrize("depth", [1, 3])
def test_a_batch_reflects_exactly_the_calls_before_it_was_sampled(depth):
    replay = numbered(2)
    [first] = replay.sample(1).indices
    with replay.prefetch(4, depth) as prefetch:
        assert set(next(prefetch).action) == {0}
        add_number(replay, 2)
        replay.update_priorities([first], [0.0])
        for _ in range(depth):
            assert set(next(prefetch).action) == {0}
        assert set(next(prefetch).action) == {1}


@pytest.mark.parametrize("num_threads", [1, 2])
@pytest.mark.parametrize("frame_stack", [1, 3])
def test_frames_still_to_be_gathered_are_not_overwritten(frame_stack, num_threads):
    replay = numbered(10, capacity=12, frame_stack=frame_stack, n_step=3, gamma=1.0, num_threads=num_threads)
    number, sampled_at = 10, deque()
    with replay.prefetch(48, depth=4) as prefetch:
        for _ in range(20):
            while len(sampled_at) <= prefetch.depth:
                sampled_at.append(number)
            batch = next(prefetch)
            for _ in range(60):
                add_number(replay, number)
                number += 1
            known = sampled_at.popleft()
            assert set(batch.action) == set(range(max(0, known - 13 + frame_stack), known - 3))
            at = batch.action
            back = np.arange(frame_stack)[::-1]
            stacks = np.maximum(at[:, None] - back, 0)
            assert (batch.obs == stacks[..., None, None]).all()
            np.testing.assert_array_equal(batch.next_obs[:, -1, 0, 0], at + 3)
            assert (batch.next_obs == batch.next_obs[..., :1, :1]).all()
            np.testing.assert_array_equal(batch.reward, 3 * at + 3)


def test_beta_may_change_between_calls():
    replay, twin = filled(), filled()
    with replay.prefetch(20, depth=1, beta=1.0) as prefetch:
        expected = SampledAhead(twin, 20, 1, beta=1.0)
        for beta in (1.0, 0.0, 0.0, 0.5):
            prefetch.beta = expected.beta = beta
            assert next(prefetch).weights.tolist() == next(expected).weights.tolist()


def test_a_shift_out_of_range_is_refused_and_no_batch_is_lost():
    replay, twin = filled(), filled()
    with replay.prefetch(8) as prefetch:
        prefetch.shift = replay.shift + 1
        with raises(ValueError, f"shift is {replay.shift + 1}; expected from 0 to the replay's shift"):
            next(prefetch)
        prefetch.shift = 0
        assert batch_bytes(next(prefetch)) == batch_bytes(twin.sample(8, shift=0))


def test_the_default_beta_is_that_of_the_replay():
    assert filled(beta=0.9).prefetch(4).beta == 0.9
    assert filled(beta=0.9).prefetch(4, beta=0.0).beta == 0.0


@pytest.mark.parametrize("beta", [-0.5, 1.5, np.nan])
def test_a_beta_out_of_range_is_refused_and_no_batch_is_lost(beta):
    replay, twin = filled(), filled()
    expected = SampledAhead(twin, 8, 2)
    with replay.prefetch(8, depth=2) as prefetch:
        assert batch_bytes(next(prefetch)) == batch_bytes(next(expected))
        prefetch.beta = beta
        with raises(ValueError, f"beta is {beta}; expected from 0 to 1"):
            next(prefetch)
        prefetch.beta = replay.beta
        for _ in range(4):
            assert batch_bytes(next(prefetch)) == batch_bytes(next(expected))


def test_an_empty_replay_raises_and_works_once_filled():
    replay, twin = make(), make()
    random, same = np.random.default_rng(0), np.random.default_rng(0)
    with replay.prefetch(8) as prefetch:
        for _ in range(3):
            with raises(ValueError, "no transition can be sampled yet"):
                next(prefetch)
        for _ in range(20):
            add_random_step(replay, random)
            add_random_step(twin, same)
        expected = SampledAhead(twin, 8, 2)
        for _ in range(5):
            assert batch_bytes(next(prefetch)) == batch_bytes(next(expected))


def test_clear_keeps_batches_that_were_sampled_before():
    replay, twin = filled(), filled()
    expected = SampledAhead(twin, 8, 2)
    with replay.prefetch(8, depth=2) as prefetch:
        assert batch_bytes(next(prefetch)) == batch_bytes(next(expected))
        replay.clear()
        twin.clear()
        with raises(ValueError, "no transition can be sampled yet"):
            next(prefetch)
        random, same = np.random.default_rng(3), np.random.default_rng(3)
        for _ in range(100):
            add_random_step(replay, random)
            add_random_step(twin, same)
        for number in range(6):
            batch = next(prefetch)
            assert batch_bytes(batch) == batch_bytes(next(expected))
            assert (replay.update_priorities(batch.indices, np.ones(8)) == 8) == (number < 2)
            twin.update_priorities(batch.indices, np.ones(8))


def test_a_state_may_be_loaded_while_batches_are_pending():
    replay, twin, other = filled(), filled(), filled(steps=30, seed=9)
    state = other.state_dict()
    expected = SampledAhead(twin, 8, 2)
    with replay.prefetch(8, depth=2) as prefetch:
        assert batch_bytes(next(prefetch)) == batch_bytes(next(expected))
        replay.load_state_dict(state)
        twin.load_state_dict(state)
        for _ in range(6):
            assert batch_bytes(next(prefetch)) == batch_bytes(next(expected))


def test_batches_held_in_a_list_stay_intact():
    replay, twin = filled(), filled()
    expected = SampledAhead(twin, 16, 2)
    with replay.prefetch(16) as prefetch:
        held = [next(prefetch) for _ in range(12)]
    assert [batch_bytes(batch) for batch in held] == [batch_bytes(next(expected)) for _ in range(12)]


def test_memory_is_reused(monkeypatch):
    allocated = []
    allocate = buffer_pool._allocate
    monkeypatch.setattr(buffer_pool, "_allocate", lambda nbytes: allocated.append(nbytes) or allocate(nbytes))
    with filled().prefetch(16, depth=2) as prefetch:
        allocated.clear()
        for _ in range(40):
            next(prefetch)
    assert 3 <= len(allocated) <= 4


def test_tensors_equal_arrays():
    torch = pytest.importorskip("torch")
    replay, twin = filled(), filled()
    with replay.prefetch(8, as_torch=True) as tensors, twin.prefetch(8) as arrays:
        for _ in range(5):
            given, expected = next(tensors), next(arrays)
            assert isinstance(given.obs, torch.Tensor)
            for name in given._fields[:-1]:
                np.testing.assert_array_equal(getattr(given, name).numpy(), getattr(expected, name))
            assert given.extras.keys() == expected.extras.keys()
            for name, tensor in given.extras.items():
                np.testing.assert_array_equal(tensor.numpy(), expected.extras[name])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0; expected >= 1"),
        ({"batch_size": -3}, "batch_size is -3; expected >= 1"),
        ({"depth": 0}, "depth is 0; expected from 1 to 1024"),
        ({"depth": -1}, "depth is -1; expected from 1 to 1024"),
        ({"depth": 10**18}, "depth is 1000000000000000000; expected from 1 to 1024"),
    ],
)
def test_an_argument_out_of_range(changes, message):
    with raises(ValueError, message):
        filled().prefetch(**{"batch_size": 4, **changes})


def test_depth_can_be_read():
    assert filled().prefetch(4, depth=7).depth == 7
