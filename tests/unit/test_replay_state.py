"""A replay with a loaded state continues as the original; an invalid state is refused and changes nothing."""

import copy
import pickle
import re

import numpy as np
import pytest

from .replays import (
    NOT_WRAPPED,
    WRAPPED,
    add_random_step,
    batch_bytes,
    filled,
    history,
    make,
    state_bytes,
)


def by_state_dict(replay):
    twin = make()
    twin.load_state_dict(replay.state_dict())
    return twin


def by_pickled_state_dict(replay):
    twin = filled(steps=9)
    twin.load_state_dict(pickle.loads(pickle.dumps(replay.state_dict())))
    return twin


def by_pickle(replay):
    return pickle.loads(pickle.dumps(replay))


COPIES = pytest.mark.parametrize(
    "copied", [by_state_dict, by_pickled_state_dict, by_pickle, copy.copy, copy.deepcopy]
)


def cleared():
    replay = filled()
    replay.clear()
    return replay


def cleared_and_filled_a_little():
    replay = cleared()
    for _ in range(4):
        add_random_step(replay, np.random.default_rng(2))
    return replay


@COPIES
@pytest.mark.parametrize(
    "original",
    [
        make,
        lambda: filled(steps=1),
        lambda: filled(steps=NOT_WRAPPED),
        filled,
        lambda: filled(steps=5 * WRAPPED),
        cleared,
        cleared_and_filled_a_little,
    ],
    ids=["new", "one step", "not full", "full", "overwritten", "cleared", "cleared and filled a little"],
)
def test_a_copy_continues_as_its_original(original, copied):
    replay = original()
    twin = copied(replay)
    assert state_bytes(twin) == state_bytes(replay)
    assert len(twin) == len(replay)
    assert history(twin) == history(replay)


@COPIES
def test_a_copy_shares_nothing_with_its_original(copied):
    replay = filled()
    before = state_bytes(replay)
    twin = copied(replay)
    history(twin)
    twin.clear()
    assert state_bytes(replay) == before


def test_earlier_handles_are_valid_in_the_copy():
    replay = filled()
    handles = replay.sample(20).indices
    for _ in range(5):
        add_random_step(replay, np.random.default_rng(3))
    twin = by_pickle(replay)
    assert twin.update_priorities(handles, np.arange(20)) == replay.update_priorities(handles, np.arange(20))
    assert state_bytes(twin) == state_bytes(replay)


@pytest.mark.parametrize("frame_stack", [1, 4])
@pytest.mark.parametrize("n_step", [1, 5])
@pytest.mark.parametrize("steps", [3, 7, 10, 11, 12, 40])
def test_a_copy_at_every_offset_of_the_ring(frame_stack, n_step, steps):
    options = {"capacity": 30, "frame_stack": frame_stack, "n_step": n_step, "extras": {}}
    replay, twin = filled(steps=steps, **options), make(**options)
    twin.load_state_dict(replay.state_dict())
    assert history(twin, rounds=12) == history(replay, rounds=12)
    twin.check()


def test_a_state_is_a_copy():
    replay = filled()
    state = replay.state_dict()
    before = state_bytes(replay)
    for piece in state["slots"]:
        for value in piece.values():
            if isinstance(value, np.ndarray):
                value[...] = 1
    state["priorities"][:] = 3
    assert state_bytes(replay) == before


def test_taking_a_state_changes_nothing():
    replay, twin = filled(), filled()
    replay.state_dict()
    pickle.dumps(replay)
    assert history(replay) == history(twin)


def test_loading_changes_no_hyperparameters_and_threads():
    own = {"gamma": 0.5, "alpha": 0.9, "beta": 0.1, "epsilon": 0.3, "shift": 0, "num_threads": 2, "seed": 1}
    replay, twin = filled(), make(**own)
    twin.load_state_dict(replay.state_dict())
    assert twin.num_threads == 2
    assert twin.beta == 0.1
    assert state_bytes(twin) == state_bytes(replay)
    batch, other = twin.sample(30), replay.sample(30, beta=0.1)
    assert batch.indices.tolist() == other.indices.tolist()
    np.testing.assert_array_equal(batch.weights, other.weights)
    assert set(batch.discount.tolist()) <= {0.0, 0.25, 0.5}
    assert (other.obs != batch.obs).any()
    assert by_pickle(twin).num_threads == 2
    index = batch.indices[:1]
    assert twin.update_priorities(index, [1.0]) == 0
    assert np.isclose(twin.priorities, 1.3**0.9).any()


def test_pickling_keeps_every_option():
    own = {"gamma": 0.5, "alpha": 0.9, "beta": 0.1, "epsilon": 0.3, "shift": 2, "seed": 1}
    replay = filled(**own)
    twin = by_pickle(replay)
    assert twin.beta == 0.1
    assert history(twin) == history(replay)


def test_pickling_keeps_a_beta_that_was_set():
    replay = filled()
    replay.beta = 0.75
    assert by_pickle(replay).beta == 0.75


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"capacity": 93}, "capacity is 93; expected 90"),
        ({"num_envs": 2}, "num_envs is 2; expected 3"),
        ({"frame_shape": (4, 5)}, "frame_shape is [4, 5]; expected [5, 4]"),
        ({"frame_dtype": np.int8}, "frame_dtype is int8; expected uint8"),
        ({"action_shape": (3,)}, "action_shape is [3]; expected [2]"),
        ({"action_dtype": np.float32}, "action_dtype is float32; expected float64"),
        ({"extras": {}}, "extras is []; expected [['log_prob', [], 'float32'], ['hidden'"),
        (
            {"extras": {"log_prob": ((), np.float32)}},
            "extras is [['log_prob', [], 'float32']]; expected",
        ),
        ({"frame_stack": 2}, "frame_stack is 2; expected 3"),
        ({"n_step": 3}, "n_step is 3; expected 2"),
    ],
)
@pytest.mark.parametrize("count", [0, WRAPPED])
def test_a_state_of_another_shape(changes, message, count):
    replay = filled()
    before = state_bytes(replay)
    with pytest.raises(ValueError, match=re.escape(message)):
        replay.load_state_dict(filled(count, **changes).state_dict())
    assert state_bytes(replay) == before


def test_extras_in_another_order_keep_their_names():
    values = {"low": ((), np.float32), "high": ((), np.float32)}
    replay, twin = filled(extras=values), make(extras=dict(reversed(values.items())))
    try:
        twin.load_state_dict(replay.state_dict())
    except ValueError:
        return
    for name, array in replay.sample(20).extras.items():
        np.testing.assert_array_equal(twin.sample(20).extras[name], array)


@pytest.mark.parametrize("path", ["state_dict", "pickle"])
def test_a_pending_batch_is_not_affected(path):
    replay, twin = filled(), filled()
    with replay.prefetch(8, depth=2) as prefetch:
        first = [batch_bytes(next(prefetch)) for _ in range(3)]
        replay.state_dict() if path == "state_dict" else pickle.dumps(replay)
        second = [batch_bytes(next(prefetch)) for _ in range(3)]
    with twin.prefetch(8, depth=2) as prefetch:
        assert first + second == [batch_bytes(next(prefetch)) for _ in range(6)]
