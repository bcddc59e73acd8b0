"""Errors name the value and its index, and leave the replay unchanged."""

import re

import numpy as np
import pytest

from apexline import Batch, PrioritizedFrameReplay

ARRAYS = Batch._fields[:-1]
"""All but `extras`."""

OPTIONS = {"capacity": 20, "num_envs": 2, "frame_shape": (2, 3), "action_shape": (2,), "num_threads": 1}


def step(number=0, **changes):
    arguments = {
        "frames": np.full((2, 2, 3), number, np.uint8),
        "actions": np.full((2, 2), number, np.float32),
        "rewards": np.full(2, number, np.float32),
        "terminated": np.zeros(2, bool),
        "truncated": np.zeros(2, bool),
    }
    return {**arguments, **changes}


def filled():
    replay = PrioritizedFrameReplay(**OPTIONS)
    for number in range(8):
        replay.add(**step(number))
    return replay


@pytest.fixture
def replay():
    replay, untouched = filled(), filled()
    yield replay
    np.testing.assert_array_equal(replay.priorities, untouched.priorities)
    assert replay.max_priority == untouched.max_priority
    for _ in range(2):
        for field, expected in zip(replay.sample(16), untouched.sample(16), strict=True):
            np.testing.assert_array_equal(field, expected)
        replay.add(**step(9))
        untouched.add(**step(9))


def raises(error, message):
    return pytest.raises(error, match=re.escape(message))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_envs": 0}, "num_envs is 0; expected >= 1"),
        ({"num_envs": -2}, "num_envs is -2; expected >= 1"),
        ({"frame_stack": 0}, "frame_stack is 0; expected >= 1"),
        ({"n_step": 0}, "n_step is 0; expected >= 1"),
        ({"gamma": 1.5}, "gamma is 1.5; expected from 0 to 1"),
        ({"gamma": np.nan}, "gamma is nan; expected from 0 to 1"),
        ({"alpha": -0.5}, "alpha is -0.5; expected from 0 to 1"),
        ({"alpha": np.nan}, "alpha is nan; expected from 0 to 1"),
        ({"beta": 2}, "beta is 2; expected from 0 to 1"),
        ({"epsilon": 0.0}, "epsilon is 0; expected finite and > 0"),
        ({"epsilon": np.inf}, "epsilon is inf; expected finite and > 0"),
        ({"shift": -1}, "shift is -1; expected >= 0"),
        ({"shift": 2}, "shift is 2; expected less than the frame's shorter side, 2"),
        ({"num_threads": 0}, "num_threads is 0; expected from 1 to 1024"),
        ({"num_threads": 2000}, "num_threads is 2000; expected from 1 to 1024"),
        ({"frame_shape": (2, 0)}, "frame_shape is (2, 0); expected positive extents"),
        ({"action_shape": (-1,)}, "action_shape is (-1,); expected positive extents"),
        ({"frame_dtype": object}, "frame_dtype is object; expected a boolean, integer or float dtype"),
        ({"frame_dtype": complex}, "frame_dtype is complex128; expected a boolean, integer or float dtype"),
        (
            {"frame_stack": 4, "n_step": 7},
            "capacity is 20; expected >= 22, num_envs * (frame_stack + n_step)",
        ),
        ({"capacity": -20}, "capacity is -20; expected >= 4, num_envs * (frame_stack + n_step)"),
        ({"capacity": 2**41}, f"capacity is {2**41}; expected from 1 to 2^40"),
    ],
)
def test_a_configuration_out_of_range(changes, message):
    with raises(ValueError, message):
        PrioritizedFrameReplay(**{**OPTIONS, **changes})


def test_the_smallest_capacity_is_allowed():
    assert PrioritizedFrameReplay(**{**OPTIONS, "frame_stack": 4, "n_step": 6}).capacity == 20


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"frames": np.zeros((2, 3, 2), np.uint8)},
            ValueError,
            "frames has shape (2, 3, 2); expected (2, 2, 3)",
        ),
        ({"frames": np.zeros((2, 2, 3), np.float32)}, TypeError, "frames has dtype float32; expected uint8"),
        ({"actions": np.zeros((2, 3))}, ValueError, "actions has shape (2, 3); expected (2, 2)"),
        ({"actions": np.zeros((2, 2), bool)}, TypeError, "actions has dtype bool; expected float32"),
        (
            {"actions": [[0, 0], [0, np.nan]]},
            ValueError,
            "actions[1].flat[1] is nan; expected a finite value",
        ),
        ({"rewards": np.zeros(3)}, ValueError, "rewards has shape (3,); expected (2,)"),
        ({"rewards": [0, -np.inf]}, ValueError, "rewards[1] is -inf; expected a finite value"),
        ({"rewards": [0, None]}, TypeError, "rewards has dtype object; expected real numbers"),
        ({"terminated": np.zeros(2, int)}, TypeError, "terminated has dtype int64; expected bool"),
        ({"truncated": np.zeros(1, bool)}, ValueError, "truncated has shape (1,); expected (2,)"),
        (
            {"truncated": np.array([False, True])},
            ValueError,
            "truncated[1] is true and final_frames is None; expected an array",
        ),
        (
            {"final_frames": np.zeros((2, 6), np.uint8)},
            ValueError,
            "final_frames has shape (2, 6); expected (2, 2, 3)",
        ),
        ({"final_frames": np.zeros((2, 2, 3))}, TypeError, "final_frames has dtype float64; expected uint8"),
        ({"mask": np.ones(3, bool)}, ValueError, "mask has shape (3,); expected (2,)"),
        ({"mask": [1, 0]}, TypeError, "mask has dtype int64; expected bool"),
    ],
)
def test_an_invalid_step(replay, changes, error, message):
    with raises(error, message):
        replay.add(**step(7, **changes))


def test_a_batch_size_below_one(replay):
    with raises(ValueError, "batch_size is 0; expected >= 1"):
        replay.sample(0)


@pytest.mark.parametrize("beta", [-0.1, 1.5, np.nan, np.inf])
def test_a_beta_out_of_range(replay, beta):
    with raises(ValueError, "beta is "):
        replay.sample(4, beta)


def test_nothing_to_sample():
    replay = PrioritizedFrameReplay(**OPTIONS)
    replay.add(**step())
    with raises(ValueError, "no transition can be sampled yet"):
        replay.sample(4)


@pytest.mark.parametrize("field", ARRAYS)
def test_an_out_of_the_wrong_type(replay, field):
    out = replay.empty_batch(4)
    expected = np.zeros_like(getattr(out, field))
    with raises(TypeError, f"out.{field} has dtype uint16; expected {expected.dtype}"):
        replay.sample(4, out=out._replace(**{field: expected.astype(np.uint16)}))
    with raises(TypeError, f"out.{field} is "):
        replay.sample(4, out=out._replace(**{field: expected.tolist()}))
    read_only = expected.copy()
    read_only.flags.writeable = False
    with raises(ValueError, f"out.{field} is read-only or not C-contiguous"):
        replay.sample(4, out=out._replace(**{field: read_only}))


@pytest.mark.parametrize("field", ARRAYS[:-1])
def test_an_out_of_the_wrong_shape(replay, field):
    out = replay.empty_batch(4)
    with raises(ValueError, f"out.{field} has shape (5,"):
        replay.sample(4, out=out._replace(**{field: getattr(replay.empty_batch(5), field)}))


def test_an_out_of_another_batch_size(replay):
    with raises(ValueError, "out has 5 transitions; expected batch_size, 4"):
        replay.sample(4, out=replay.empty_batch(5))


@pytest.mark.parametrize(
    ("td_error", "message"),
    [
        (np.nan, "td_errors[1] is nan; expected a finite value"),
        (-np.inf, "td_errors[1] is -inf; expected a finite value"),
    ],
)
def test_an_error_that_is_not_finite(replay, td_error, message):
    handles = filled().sample(3).indices
    with raises(ValueError, message):
        replay.update_priorities(handles, [50, td_error, 50])


def test_an_error_whose_priority_is_too_large():
    replay = PrioritizedFrameReplay(**OPTIONS, alpha=1.0)
    for number in range(3):
        replay.add(**step(number))
    indices = replay.sample(3).indices
    with raises(ValueError, "td_errors[2] is 1.5"):
        replay.update_priorities(indices, [5, 5, 1.5e300])
    assert replay.max_priority == replay.priorities.max() == 1


@pytest.mark.parametrize("handle", [-1, -(2**63), 8, 19, 20, 2**40, 2**63 - 1])
def test_an_index_that_is_not_a_handle(replay, handle):
    fresh = filled().sample(1).indices.item()
    with raises(IndexError, f"indices[1] is {handle}; expected a handle of this replay"):
        replay.update_priorities([fresh, handle, fresh], [50, 50, 50])


@pytest.mark.parametrize(
    ("indices", "td_errors", "error", "message"),
    [
        ([0, 1], [1.0], ValueError, "td_errors has shape (1,); expected (2,)"),
        ([0.0], [1.0], TypeError, "indices has dtype float64; expected integers"),
        ([True], [1.0], TypeError, "indices has dtype bool; expected integers"),
        ([0], ["1"], TypeError, "td_errors has dtype <U1; expected real numbers"),
    ],
)
def test_an_update_of_the_wrong_type(replay, indices, td_errors, error, message):
    with raises(error, message):
        replay.update_priorities(indices, td_errors)


def test_an_index_beyond_int64_is_named_as_it_was_given():
    replay = PrioritizedFrameReplay(capacity=10, num_envs=1, frame_shape=(1,), action_shape=(1,))
    with pytest.raises(IndexError, match="indices contains 18446744073709551615"):
        replay.update_priorities(np.array([2**64 - 1], np.uint64), [1.0])


def test_impossible_amounts_of_memory_are_refused():
    with pytest.raises(MemoryError):
        PrioritizedFrameReplay(capacity=2**40, num_envs=1, frame_shape=(2**20, 2**19), action_shape=(1,))
    with pytest.raises(
        ValueError, match=r"frame_shape is \(4294967296, 4294967296\); expected positive extents and at most"
    ):
        PrioritizedFrameReplay(capacity=10, num_envs=1, frame_shape=(2**32, 2**32), action_shape=(1,))
