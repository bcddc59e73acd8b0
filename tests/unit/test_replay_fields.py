"""Actions and extras of a step, and frames of every dtype and shape."""

import re

import numpy as np
import pytest

from apexline import PrioritizedFrameReplay

NO = np.array([False, False])


def make(**changes):
    defaults = {"capacity": 40, "num_envs": 2, "frame_shape": (1,), "action_shape": (), "num_threads": 1}
    return PrioritizedFrameReplay(**{**defaults, "frame_dtype": np.int64, "alpha": 0.0, **changes})


def add(replay, number, actions=(0, 0), extras=None, **changes):
    frames = np.array([[number], [1000 + number]])
    replay.add(frames, actions, [0, 0], NO, NO, extras=extras, **changes)


def numbers_of(batch):
    """The step of each row and its environment."""
    return batch.obs[:, -1, 0] % 1000, batch.obs[:, -1, 0] // 1000


def raises(error, message):
    return pytest.raises(error, match=re.escape(message))


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
def test_actions_keep_their_dtype_and_stay_with_their_step(dtype, shape):
    replay = make(action_shape=shape, action_dtype=dtype)
    for number in range(9):
        actions = np.empty((2, *shape), dtype)
        actions[0], actions[1] = number, 100 + number
        add(replay, number, actions)
    batch = replay.sample(50)
    number, env = numbers_of(batch)
    assert batch.action.dtype == dtype
    assert batch.action.shape == (50, *shape)
    assert (batch.action.reshape(50, -1) == (100 * env + number)[:, None]).all()


def test_discrete_actions_may_be_integers_of_any_width():
    replay = make(action_dtype=np.int64)
    for number, actions in enumerate([[3, -4], np.array([3, -4], np.int8), np.array([3, 4], np.uint64)]):
        add(replay, number, actions)
    batch = replay.sample(20)
    number, env = numbers_of(batch)
    assert batch.action.tolist() == [3 if env == 0 else -4 for env in env]
    assert set(number) == {0, 1}


def test_an_int64_action_keeps_every_bit():
    replay = make(action_dtype=np.int64)
    for number in range(2):
        add(replay, number, [2**63 - 1, -(2**63)])
    assert set(replay.sample(20).action.tolist()) == {2**63 - 1, -(2**63)}


@pytest.mark.parametrize(
    ("dtype", "actions", "error", "message"),
    [
        (np.uint8, [255, 256], ValueError, "actions[1] is 256; it does not fit into uint8"),
        (np.uint8, [-1, 0], ValueError, "actions[0] is -1; it does not fit into uint8"),
        (np.int8, np.array([0, 200], np.uint8), ValueError, "actions[1] is 200; it does not fit into int8"),
        (
            np.int64,
            np.array([2**63, 0], np.uint64),
            ValueError,
            f"actions[0] is {2**63}; it does not fit into int64",
        ),
        (np.uint64, [0, -5], ValueError, "actions[1] is -5; it does not fit into uint64"),
        (np.int64, [1.0, 2.0], TypeError, "actions has dtype float64; expected int64"),
        (np.int64, [True, False], TypeError, "actions has dtype bool; expected int64"),
        (np.bool_, [0, 1], TypeError, "actions has dtype int64; expected bool"),
        (np.int64, [[1], [2]], ValueError, "actions has shape (2, 1); expected (2,)"),
        (np.float16, [0, np.nan], ValueError, "actions[1].flat[0] is nan; expected a finite value"),
        (np.float16, [-np.inf, 0], ValueError, "actions[0].flat[0] is -inf; expected a finite value"),
        (np.float16, [0, 1e6], ValueError, "actions[1].flat[0] is inf; expected a finite value"),
        (np.float32, [0, 1e300], ValueError, "actions[1].flat[0] is inf; expected a finite value"),
        (np.float64, [np.nan, 0], ValueError, "actions[0].flat[0] is nan; expected a finite value"),
    ],
)
def test_an_action_that_does_not_fit_into_its_dtype(dtype, actions, error, message):
    replay = make(action_dtype=dtype)
    with raises(error, message):
        add(replay, 0, actions)
    add(replay, 1, np.zeros(2, dtype))
    add(replay, 2, np.zeros(2, dtype))
    assert set(numbers_of(replay.sample(10))[0]) == {1}


def test_a_non_finite_float16_action_is_found_at_any_index():
    replay = make(action_shape=(2, 3), action_dtype=np.float16)
    actions = np.zeros((2, 2, 3), np.float16)
    actions[1, 1, 1] = np.nan
    with raises(ValueError, "actions[1].flat[4] is nan; expected a finite value"):
        add(replay, 0, actions)
    actions[1, 1, 1] = np.finfo(np.float16).max
    add(replay, 0, actions)
    add(replay, 1, actions)
    assert replay.sample(8).action.max() == np.finfo(np.float16).max


EXTRAS = {
    "log_prob": ((), np.float32),
    "logits": ((5,), np.float16),
    "hidden": ((2, 3), np.float64),
    "task": ((), np.uint8),
    "seen": ((3,), np.bool_),
    "when": ((1,), np.int64),
}


def extras_of(number):
    """Rows of every field, computed from the step and the environment."""
    rows = {}
    for name, (shape, dtype) in EXTRAS.items():
        values = np.arange(2 * np.prod(shape, dtype=int)).reshape(2, *shape) + number
        rows[name] = (values % 2 == 0) if dtype == np.bool_ else values.astype(dtype)
    return rows


def test_extras_of_every_shape_and_dtype_stay_with_their_step():
    replay = make(extras=EXTRAS, capacity=24, frame_stack=2, n_step=2)
    for number in range(40):
        add(replay, number, extras=extras_of(number))
    batch = replay.sample(60)
    assert list(batch.extras) == list(EXTRAS)
    for name, (shape, dtype) in EXTRAS.items():
        assert batch.extras[name].shape == (60, *shape)
        assert batch.extras[name].dtype == dtype
    for row, (number, env) in enumerate(zip(*numbers_of(batch), strict=True)):
        expected = extras_of(number)
        for name in EXTRAS:
            np.testing.assert_array_equal(batch.extras[name][row], expected[name][env])


def test_extras_need_not_be_finite():
    replay = make(extras={"log_prob": ((), np.float32)})
    for number in range(2):
        add(replay, number, extras={"log_prob": [np.nan, -np.inf]})
    values = replay.sample(20).extras["log_prob"]
    assert np.isnan(values).any()
    assert np.isneginf(values).any()


@pytest.mark.parametrize(
    ("extras", "error", "message"),
    [
        (None, ValueError, "extras has the fields []; expected ['depth', 'task']"),
        ({"task": [0, 0]}, ValueError, "extras has the fields ['task']; expected ['depth', 'task']"),
        (
            {"task": [0, 0], "depth": [0, 0], "q": 1},
            ValueError,
            "extras has the fields ['depth', 'q', 'task']; expected",
        ),
        (
            {"task": [0, 256], "depth": [0, 0]},
            ValueError,
            "extras['task'][1] is 256; it does not fit into uint8",
        ),
        ({"task": [0.5, 0], "depth": [0, 0]}, TypeError, "extras['task'] has dtype float64; expected uint8"),
        ({"task": [0], "depth": [0, 0]}, ValueError, "extras['task'] has shape (1,); expected (2,)"),
        ({"task": [0, 0], "depth": ["a", "b"]}, TypeError, "extras['depth'] has dtype <U1; expected float32"),
    ],
)
def test_extras_that_do_not_fit(extras, error, message):
    replay = make(extras={"task": ((), np.uint8), "depth": ((), np.float32)})
    with raises(error, message):
        add(replay, 0, extras=extras)
    assert replay.nbytes == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"extras": {"q": ((0,), np.float32)}},
            "the shape of extras['q'] is (0,); expected positive extents",
        ),
        (
            {"extras": {"q": ((), object)}},
            "the dtype of extras['q'] is object; expected a boolean",
        ),
        (
            {"extras": {"q": ((), "U3")}},
            "the dtype of extras['q'] is <U3; expected a boolean, integer or float dtype",
        ),
        ({"action_dtype": complex}, "action_dtype is complex128; expected a boolean, integer or float dtype"),
        ({"action_dtype": np.longdouble}, "action_dtype is "),
        ({"action_dtype": ">f4"}, "action_dtype is >f4; expected a boolean, integer or float dtype"),
    ],
)
def test_a_dtype_that_is_not_a_number(changes, message):
    with raises(ValueError, message):
        make(**changes)


def test_out_includes_extras():
    replay = make(extras={"task": ((), np.uint8)})
    for number in range(5):
        add(replay, number, extras={"task": [number, number]})
    out = replay.empty_batch(12)
    assert replay.sample(12, out=out) is out
    np.testing.assert_array_equal(out.extras["task"], numbers_of(out)[0])
    with raises(ValueError, "out.extras has no field 'task'"):
        replay.sample(12, out=out._replace(extras={}))
    with raises(TypeError, "out.extras['task'] has dtype int64; expected uint8"):
        replay.sample(12, out=out._replace(extras={"task": np.zeros(12, int)}))
    with raises(ValueError, "out.extras['task'] has shape (11,); expected (12,)"):
        replay.sample(12, out=out._replace(extras={"task": np.zeros(11, np.uint8)}))


def random_frames(random, shape, dtype):
    if dtype == np.bool_:
        return random.random(shape) < 0.5
    if np.dtype(dtype).kind == "f":
        return random.normal(size=shape).astype(dtype)
    return random.integers(0, np.iinfo(dtype).max, shape, dtype)


@pytest.mark.parametrize("frame_stack", [1, 4])
@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((84, 84), np.uint8),
        ((3, 96, 96), np.uint8),
        ((24,), np.float32),
        ((), np.float64),
        ((7,), np.bool_),
        ((5, 3), np.float64),
        ((2, 2, 2, 2), np.int16),
    ],
)
def test_frames_of_every_dtype_and_shape_are_returned_unchanged(shape, dtype, frame_stack):
    frames = random_frames(np.random.default_rng(0), (12, 2, *shape), dtype)
    replay = make(frame_shape=shape, frame_dtype=dtype, frame_stack=frame_stack, action_dtype=np.int64)
    for number, frame in enumerate(frames):
        replay.add(frame, [number, 100 + number], [0, 0], NO, NO)
    batch = replay.sample(40)
    env, at = batch.action // 100, batch.action % 100
    assert batch.obs.shape == batch.next_obs.shape == (40, frame_stack, *shape)
    assert batch.obs.dtype == batch.next_obs.dtype == dtype
    for back in range(frame_stack):
        np.testing.assert_array_equal(batch.obs[:, -1 - back], frames[np.maximum(at - back, 0), env])
        np.testing.assert_array_equal(batch.next_obs[:, -1 - back], frames[np.maximum(at + 1 - back, 0), env])


def test_a_frame_of_nan_is_returned_unchanged():
    replay = make(frame_dtype=np.float32)
    for _ in range(3):
        replay.add(np.array([[np.nan], [-0.0]], np.float32), [0, 0], [0, 0], NO, NO)
    obs = replay.sample(20).obs
    assert np.isnan(obs).any()
    assert np.signbit(obs[obs == 0]).all()


def test_values_of_a_masked_environment_are_not_checked():
    replay = make(action_dtype=np.float16, extras={"q": ((), np.float32)})
    mask = np.array([True, False])
    for number in range(3):
        add(replay, number, [number, np.nan], {"q": [0, np.nan]}, mask=mask)
    assert set(numbers_of(replay.sample(10))[1]) == {0}
