"""Frames too large for memory, and memory that is taken only where it is used."""

import re
import subprocess
import sys

import pytest

from apexline import PrioritizedFrameReplay, SumTree, _core

OPTIONS = {"capacity": 6, "num_envs": 1, "action_shape": ()}

LARGE_FRAME = """
import resource, sys
from apexline import PrioritizedFrameReplay
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
replay = PrioritizedFrameReplay(capacity=6, num_envs=1, frame_shape={shape}, action_shape=(), shift={shift})
assert replay.nbytes == 0
taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
assert taken < 16 << (0 if sys.platform == "darwin" else 10), taken  # 16 MiB; the unit is a byte on macOS, else a KiB
"""


@pytest.mark.parametrize(
    ("shape", "shift"), [((200_000_000,), 0), ((10, 20_000_000), 0), ((64, 3_000_000), 20)]
)
def test_a_large_frame_takes_no_memory_before_it_is_stored(shape, shift):
    program = LARGE_FRAME.format(shape=shape, shift=shift)
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("shape", [(2**40,), (2**20, 2**20), (2**30, 2, 2**9)])
def test_a_frame_that_cannot_fit_is_refused_at_once(shape):
    message = f"capacity is 6 steps of 1099511627780 bytes (frame_shape is {shape}); expected a size"
    with pytest.raises(MemoryError, match=re.escape(message)):
        PrioritizedFrameReplay(**OPTIONS, frame_shape=shape)


@pytest.mark.parametrize("shape", [(2**41,), (2**63 - 1,), (2**32, 2**32), (2**20, 2**20, 2**20, 2**20)])
def test_a_frame_above_2_to_the_40_bytes(shape):
    with pytest.raises(
        ValueError, match=r"^frame_shape is .*; expected positive extents and at most 2\^40 bytes$"
    ):
        PrioritizedFrameReplay(**OPTIONS, frame_shape=shape)


@pytest.mark.parametrize("field", ["action_shape", "extras"])
def test_a_field_that_cannot_fit(field):
    given = {"action_shape": (2**38,)} if field == "action_shape" else {"extras": {"x": ((2**40,), bool)}}
    with pytest.raises(MemoryError, match=r"^capacity is 1000 steps .*; expected a size"):
        PrioritizedFrameReplay(**{**OPTIONS, "capacity": 1000, "frame_shape": (1,), **given})


def test_a_capacity_that_cannot_fit():
    with pytest.raises(MemoryError, match=r"^capacity is 1099511627776; expected a number"):
        SumTree(2**40)
    with pytest.raises(MemoryError, match=r"^capacity is 1099511627776 steps of 5 bytes"):
        PrioritizedFrameReplay(capacity=2**40, num_envs=1, frame_shape=(1,), action_shape=())


def test_more_environments_than_any_capacity():
    with pytest.raises(ValueError, match=r"^capacity is 6; expected >= 9223372036854775807, num_envs \*"):
        PrioritizedFrameReplay(**{**OPTIONS, "num_envs": 2**62}, frame_shape=(1,))


@pytest.mark.parametrize("capacity", [2**40, 2**30])
def test_the_bytes_of_a_replay_do_not_overflow(capacity):
    with pytest.raises(
        ValueError, match=r"^frame_bytes is 9223372036854775808; expected .* 2\^64 - 1 bytes$"
    ):
        _core.replay.Replay.bytes_for(capacity, 1, 2**63, 1)
    assert _core.replay.Replay.bytes_for(capacity, 1, 100, 8) > 108 * capacity
