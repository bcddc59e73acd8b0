"""Counters and memory of a replay."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from apexline import PrioritizedFrameReplay, _core
from apexline.replay import ReplayStats

from .replays import add_random_step, filled

NO = np.array([False])


def make(**changes):
    defaults = {"capacity": 10, "num_envs": 1, "frame_shape": (1,), "action_shape": (), "num_threads": 1}
    return PrioritizedFrameReplay(**{**defaults, "alpha": 1.0, "epsilon": 1e-20, **changes})


def add(replay, count=1, ends=False):
    for _ in range(count):
        replay.add(np.zeros((1, 1), np.uint8), [0], [0], np.array([ends]), NO)


def test_counters_of_a_new_replay_are_zero():
    assert make().stats() == ReplayStats(0, 0, 0, 0, 1.0, 0.0)


def test_size_is_the_number_of_transitions_that_can_be_sampled():
    replay = make(n_step=3)
    sizes = []
    for ends in (False, False, False, False, True):
        add(replay, ends=ends)
        sizes.append(replay.stats().size)
        assert sizes[-1] == len(replay)
    assert sizes == [0, 0, 0, 1, 5]


def test_episodes_are_counted_when_they_end():
    replay = make(num_envs=2, capacity=20)
    frames, no = np.zeros((2, 1), np.uint8), np.zeros(2, bool)
    ended = []
    for terminated, truncated in [((0, 0), (0, 0)), ((1, 0), (0, 0)), ((0, 1), (0, 1)), ((0, 0), (1, 1))]:
        ends = np.array(terminated, bool), np.array(truncated, bool)
        replay.add(frames, [0, 0], [0, 0], *ends, final_frames=frames)
        ended.append(replay.stats().episodes)
    assert ended == [0, 1, 2, 4]
    replay.add(frames, [0, 0], [0, 0], ~no, no, mask=no)
    assert replay.stats().episodes == 4


def test_evicted_counts_overwritten_steps_but_no_final_frames():
    replay = make(capacity=5)
    add(replay, 2)
    add(replay, ends=True)
    add(replay)
    assert replay.stats().evicted == 0
    evicted = []
    for _ in range(5):
        add(replay)
        evicted.append(replay.stats().evicted)
    assert evicted == [1, 2, 3, 3, 4]
    add(replay, ends=True)
    assert replay.stats().evicted == 6


def test_cleared_steps_are_not_evicted():
    replay = make(capacity=5)
    add(replay, 4)
    replay.clear()
    add(replay, 5)
    assert replay.stats().evicted == 0
    add(replay)
    assert replay.stats().evicted == 1


def test_stale_updates_are_counted():
    replay = make(capacity=5)
    add(replay, 4)
    handles = replay.sample(3).indices
    assert replay.update_priorities(handles, [1, 1, 1]) == replay.stats().stale_updates == 0
    add(replay, 2)
    assert replay.update_priorities(np.sort(handles), [1, 1, 1]) == replay.stats().stale_updates == 1
    add(replay, 9)
    assert replay.update_priorities(handles, [1, 1, 1]) == 3
    assert replay.stats().stale_updates == 4
    with pytest.raises(IndexError):
        replay.update_priorities([*handles, 10**6], [1, 1, 1, 1])
    assert replay.stats().stale_updates == 4


def test_clear_resets_every_counter():
    replay = filled()
    assert all(number > 0 for number in replay.stats())
    replay.clear()
    assert replay.stats() == ReplayStats(0, 0, 0, 0, 1.0, 0.0)


def test_max_priority_is_that_of_new_steps():
    replay = make()
    add(replay, 3)
    replay.update_priorities(replay.sample(2).indices[:1], [5])
    assert replay.stats().max_priority == replay.max_priority == 5


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e289])
def test_the_effective_sample_size_is_that_of_the_priorities(scale):
    replay = make(epsilon=5e-324)
    add(replay, 5)
    assert replay.stats().effective_sample_size == 4
    priorities = np.array([1.0, 2.0, 3.0, 0.5])
    batch = replay.sample(8)
    replay.update_priorities(np.unique(batch.indices), priorities * scale)
    expected = priorities.sum() ** 2 / (priorities**2).sum()
    assert replay.stats().effective_sample_size == pytest.approx(expected, rel=1e-12)
    replay.update_priorities(np.unique(batch.indices), np.array([1, 1e-30, 1e-30, 1e-30]) * scale)
    assert replay.stats().effective_sample_size == pytest.approx(1)


def test_nbytes_grow_with_the_slots_written():
    replay = make(capacity=6)
    seen = [replay.nbytes]
    for _ in range(9):
        add(replay)
        seen.append(replay.nbytes)
    expected = [replay.bytes_per_transition * min(count, 6) for count in range(10)]
    np.testing.assert_allclose(seen, expected, atol=1)
    assert seen[6] == seen[9]


@pytest.mark.parametrize("capacity", [15, 90, 91, 500])
def test_bytes_for_predicts_the_nbytes_of_a_full_replay(capacity):
    replay = filled(steps=capacity, capacity=capacity)
    field_bytes = 2 * 8 + 4 + 2 * 3 * 2
    assert _core.replay.Replay.bytes_for(capacity, 3, 5 * 4, field_bytes) == replay.nbytes


@pytest.mark.parametrize(
    ("capacity", "num_envs", "message"),
    [(0, 1, "capacity is 0"), (9, 0, "num_envs is 0"), (2, 3, "capacity is 0")],
)
def test_bytes_for_refuses_invalid_arguments(capacity, num_envs, message):
    with pytest.raises(ValueError, match=message):
        _core.replay.Replay.bytes_for(capacity, num_envs, 1, 1)


def test_an_episodes_final_frame_takes_a_slot():
    replay, other = make(), make()
    add(replay, ends=True)
    add(other, 2)
    assert replay.nbytes == other.nbytes


@pytest.mark.parametrize("frame_stack", range(1, 9))
@pytest.mark.parametrize("n_step", [1, 2, 5, 10])
@pytest.mark.parametrize("extra_slots", [0, 1, 100, 10_000])
def test_a_transition_takes_less_than_64_bytes_besides_its_frame_and_fields(frame_stack, n_step, extra_slots):
    replay = make(
        capacity=frame_stack + n_step + extra_slots,
        frame_stack=frame_stack,
        n_step=n_step,
        frame_shape=(84, 84),
        action_shape=(3,),
        extras={"q": ((), np.float64), "h": ((10,), np.float16)},
    )
    overhead = replay.bytes_per_transition - (84 * 84 + 12 + 8 + 20)
    assert 0 < overhead < 64


def test_memory_does_not_depend_on_stack_or_n_step():
    sizes = {
        make(capacity=1000, frame_stack=stack, n_step=n).bytes_per_transition
        for stack in (1, 8)
        for n in (1, 10)
    }
    assert len(sizes) == 1


MILLION = """
import os
import numpy as np
from apexline import PrioritizedFrameReplay, _core

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

frames, no = np.ones((4, 84, 84), np.uint8), np.zeros(4, bool)
zeros = np.zeros((4, 3)), np.zeros(4)
begin = resident()
replay = PrioritizedFrameReplay(
    capacity=10**6, num_envs=4, frame_shape=(84, 84), action_shape=(3,), frame_stack=4, num_threads=1
)
print(resident() - begin, replay.nbytes)
for _ in range(2):
    for _ in range(1500):
        replay.add(frames, *zeros, no, no)
    print(resident() - begin, replay.nbytes)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc")
def test_memory_of_a_million_images_is_taken_when_they_are_added():
    result = subprocess.run([sys.executable, "-c", MILLION], capture_output=True, text=True, check=True)
    empty, some, more = (map(int, line.split()) for line in result.stdout.splitlines())
    whole = 10**6 * 84 * 84
    resident, nbytes = empty
    assert nbytes == 0
    assert resident < whole / 200
    begin = resident
    for resident, nbytes in (some, more):
        rounded_up = 40 * 2**20  # huge pages, at most two for each of the 3 blocks of 4 environments
        assert nbytes * 0.95 < resident - begin < nbytes * 1.05 + rounded_up
        assert nbytes < whole / 50


def test_counting_changes_nothing():
    replay, twin = filled(), filled()
    replay.stats()
    replay.check()
    assert replay.nbytes > 0
    random, same = np.random.default_rng(0), np.random.default_rng(0)
    for _ in range(5):
        add_random_step(replay, random)
        add_random_step(twin, same)
        assert replay.sample(9).obs.tobytes() == twin.sample(9).obs.tobytes()
