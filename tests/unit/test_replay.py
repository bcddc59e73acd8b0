"""`PrioritizedFrameReplay` on short episodes with expected values computed by hand. Frames contain their number."""

import numpy as np
import pytest

from apexline import Batch, PrioritizedFrameReplay

ARRAYS = Batch._fields[:-1]
"""All but `extras`."""


def make(**options):
    defaults = {"capacity": 40, "num_envs": 1, "frame_shape": (1,), "action_shape": (1,), "num_threads": 1}
    return PrioritizedFrameReplay(**{**defaults, **options})


def add(replay, number, reward=0.0, terminated=False, truncated=False, final=None):
    replay.add(
        np.full((1, 1), number, np.uint8),
        [[number / 10]],
        [reward],
        np.array([terminated]),
        np.array([truncated]),
        None if final is None else np.full((1, 1), final, np.uint8),
    )


def rows_by_number(replay):
    """Every transition that can be sampled, by the number of its newest frame; requires equal priorities."""
    batch = replay.sample(2 * len(replay) + 1)
    return {
        int(row["obs"][-1, 0]): row
        for row in (dict(zip(ARRAYS, values, strict=True)) for values in zip(*batch[:-1], strict=True))
    }


def test_a_batch_has_the_documented_shapes_and_dtypes():
    replay = make(frame_shape=(3, 5, 4), action_shape=(2, 2), frame_stack=2, frame_dtype=np.float32)
    no = np.array([False])
    for _ in range(5):
        replay.add(np.zeros((1, 3, 5, 4), np.float32), np.zeros((1, 2, 2)), [0], no, no)
    batch = replay.sample(7)
    assert isinstance(batch, Batch)
    assert batch.extras == {}
    assert {name: (getattr(batch, name).shape, getattr(batch, name).dtype.name) for name in ARRAYS} == {
        "obs": ((7, 2, 3, 5, 4), "float32"),
        "action": ((7, 2, 2), "float32"),
        "reward": ((7,), "float32"),
        "discount": ((7,), "float32"),
        "next_obs": ((7, 2, 3, 5, 4), "float32"),
        "weights": ((7,), "float32"),
        "indices": ((7,), "int64"),
    }


def test_a_transition_can_be_sampled_once_its_next_frame_is_known():
    replay = make()
    add(replay, 1)
    assert len(replay) == 0
    add(replay, 2)
    assert len(replay) == 1
    assert rows_by_number(replay).keys() == {1}


def test_capacity_counts_slots_over_all_environments():
    assert make(capacity=41, num_envs=4).capacity == 40
    replay = make(capacity=10)
    for number in range(100):
        add(replay, number)
    assert len(replay) == 9
    assert rows_by_number(replay).keys() == set(range(90, 99))


def test_an_episode_takes_one_slot_more_than_its_steps():
    replay = make(capacity=6)
    for number in (1, 2, 3, 4):
        add(replay, number, truncated=number == 4, final=9)
    assert len(replay) == 4
    add(replay, 5)
    assert len(replay) == 4
    add(replay, 6)
    assert rows_by_number(replay).keys() == {2, 3, 4, 5}


def test_a_stack_repeats_the_first_frame_and_never_reaches_into_another_episode():
    replay = make(frame_stack=3)
    add(replay, 1)
    add(replay, 2, truncated=True, final=3)
    add(replay, 4)
    add(replay, 5)
    rows = rows_by_number(replay)
    assert {
        n: (row["obs"].ravel().tolist(), row["next_obs"].ravel().tolist()) for n, row in rows.items()
    } == {
        1: ([1, 1, 1], [1, 1, 2]),
        2: ([1, 1, 2], [1, 2, 3]),
        4: ([4, 4, 4], [4, 4, 5]),
    }


def test_n_step_returns_in_the_middle_of_an_episode():
    gamma, rewards = 0.99, [1.0, 10.0, 100.0, 1000.0, 10000.0]
    replay = make(n_step=3, gamma=gamma)
    for number, reward in enumerate(rewards):
        add(replay, number, reward)
    rows = rows_by_number(replay)
    assert rows.keys() == {0, 1}
    for start, row in rows.items():
        expected = rewards[start] + gamma * rewards[start + 1] + gamma**2 * rewards[start + 2]
        np.testing.assert_allclose(row["reward"], expected, rtol=1e-6)
        np.testing.assert_allclose(row["discount"], gamma**3, rtol=1e-6)
        assert row["next_obs"].item() == start + 3


@pytest.mark.parametrize(
    ("end", "bootstraps"),
    [
        ({"truncated": True}, True),
        ({"terminated": True}, False),
        ({"terminated": True, "truncated": True}, False),
    ],
    ids=["truncated", "terminated", "both"],
)
def test_every_return_at_the_end_of_an_episode_is_exact(end, bootstraps):
    gamma, length = 0.9, 4
    replay = make(n_step=3, gamma=gamma)
    for number in range(length):
        add(replay, number, 1.0, final=99, **(end if number == length - 1 else {}))
    add(replay, 50, 1000.0)
    rows = rows_by_number(replay)
    assert rows.keys() == {0, 1, 2, 3}
    for start, row in rows.items():
        k = min(3, length - start)
        ends = start + k == length
        np.testing.assert_allclose(row["reward"], (1 - gamma**k) / (1 - gamma), rtol=1e-6)
        np.testing.assert_allclose(row["discount"], 0 if ends and not bootstraps else gamma**k, rtol=1e-6)
        assert row["next_obs"].item() == (99 if ends else start + k)


def test_a_terminated_step_needs_no_final_frame():
    replay = make()
    add(replay, 1)
    add(replay, 2, terminated=True)
    row = rows_by_number(replay)[2]
    assert row["discount"] == 0
    assert row["next_obs"].item() == 2


def test_a_masked_environment_is_not_read():
    replay = make(num_envs=2)
    no = np.array([False, False])
    for number in range(3):
        frames = np.array([[number], [100 + number]], np.uint8)
        mask = np.array([True, number != 1])
        rewards = [0.0, 0.0 if number != 1 else np.nan]
        replay.add(frames, [[0], [0]], rewards, no, np.array([False, number == 1]), mask=mask)
    rows = rows_by_number(replay)
    assert {number: row["next_obs"].item() for number, row in rows.items()} == {0: 1, 1: 2, 100: 102}


def test_actions_stay_with_their_step():
    replay = make(action_shape=(2, 2))
    no = np.array([False])
    for number in range(4):
        replay.add(np.full((1, 1), number, np.uint8), number + np.arange(4).reshape(1, 2, 2), [0], no, no)
    for number, row in rows_by_number(replay).items():
        assert row["action"].tolist() == [[number, number + 1], [number + 2, number + 3]]


def test_new_transitions_get_the_largest_priority_so_far():
    replay = make(alpha=0.5, epsilon=0.01)
    add(replay, 1)
    add(replay, 2)
    assert replay.max_priority == 1
    assert replay.priorities[:2].tolist() == [1, 0]
    indices = replay.sample(1).indices
    assert replay.update_priorities(indices, [-8.99]) == 0
    assert replay.priorities[0] == replay.max_priority == pytest.approx(3)
    replay.update_priorities(indices, [0])
    assert replay.priorities[0] == pytest.approx(0.1)
    add(replay, 3)
    assert replay.priorities[1] == replay.max_priority == pytest.approx(3)


def test_alpha_zero_is_uniform():
    replay = make(alpha=0.0)
    for number in range(10):
        add(replay, number)
    batch = replay.sample(18)
    replay.update_priorities(batch.indices, np.linspace(0, 50, 18))
    assert replay.priorities[:9].tolist() == [1] * 9
    assert replay.sample(9).weights.tolist() == [1] * 9


def test_of_equal_indices_the_last_counts():
    replay = make(alpha=1.0, epsilon=1e-20)
    add(replay, 1)
    add(replay, 2)
    index = replay.sample(1).indices.item()
    assert replay.update_priorities([index, index, index], [5, 7, 2]) == 0
    assert replay.priorities[0] == 2


def test_a_handle_of_an_overwritten_slot_is_stale():
    replay = make(capacity=4)
    for number in range(3):
        add(replay, number)
    old = replay.sample(5).indices
    for number in range(3, 7):
        add(replay, number)
    before = replay.priorities
    assert replay.update_priorities(old, np.full(5, 100.0)) == 5
    np.testing.assert_array_equal(replay.priorities, before)
    assert replay.max_priority == 1
    assert replay.update_priorities([*old[:2], *replay.sample(1).indices], [1, 2, 3]) == 2


def test_a_handle_whose_stack_was_overwritten_is_stale():
    replay = make(capacity=6, frame_stack=3)
    for number in range(6):
        add(replay, number)
    batch = replay.sample(20)
    newest_of = dict(zip(batch.obs[:, -1, 0].tolist(), batch.indices.tolist(), strict=True))
    assert newest_of.keys() == {0, 1, 2, 3, 4}
    add(replay, 6)
    assert replay.update_priorities([newest_of[n] for n in (0, 1, 2)], [1, 1, 1]) == 3
    assert replay.update_priorities([newest_of[n] for n in (3, 4)], [1, 1]) == 0
    assert (replay.priorities > 0).sum() == len(replay) == 3


def test_clear_removes_transitions_and_resets_the_largest_priority():
    replay = make()
    for number in range(10):
        add(replay, number)
    old = replay.sample(3).indices
    replay.update_priorities(old, [50, 60, 70])
    replay.clear()
    assert len(replay) == 0
    assert replay.max_priority == 1
    assert not replay.priorities.any()
    add(replay, 20)
    assert replay.update_priorities(old, [1, 1, 1]) == 3
    assert len(replay) == 0
    add(replay, 21)
    assert rows_by_number(replay).keys() == {20}


def test_weights_are_importance_weights_divided_by_the_largest_of_the_batch():
    replay = make(alpha=1.0, epsilon=1e-20)
    for number in range(4):
        add(replay, number)
    by_number = {number: row["indices"] for number, row in rows_by_number(replay).items()}
    replay.update_priorities([by_number[n] for n in range(3)], [1, 2, 5])
    for beta in (0.0, 0.4, 1.0):
        batch = replay.sample(64, beta)
        probability = np.array([1, 2, 5])[batch.obs[:, 0, 0]] / 8
        expected = (3 * probability) ** -beta
        np.testing.assert_allclose(batch.weights, expected / expected.max(), rtol=1e-6)


def test_beta_is_an_argument_of_the_replay_and_of_sample():
    def weights(beta, asked):
        replay = make(alpha=1.0, beta=beta)
        for number in range(5):
            add(replay, number)
        replay.update_priorities(replay.sample(8).indices, np.arange(8))
        return replay.sample(8, asked).weights

    assert weights(0.7, None).tolist() == weights(0.1, 0.7).tolist() != weights(0.1, None).tolist()


@pytest.mark.parametrize("td_error", [1e-320, 1e-300, 1e290])
def test_weights_are_finite_for_the_smallest_and_largest_priorities(td_error):
    replay = make(alpha=1.0, epsilon=1e-20)
    for number in range(9):
        add(replay, number)
    batch = replay.sample(16)
    replay.update_priorities(batch.indices, np.full(16, td_error))
    assert replay.sample(8, beta=1.0).weights.tolist() == [1] * 8


def test_sample_writes_into_out():
    replay, other = make(), make()
    for number in range(9):
        add(replay, number)
        add(other, number)
    out = replay.empty_batch(6)
    assert replay.sample(6, out=out) is out
    for written, expected in zip(out, other.sample(6), strict=True):
        np.testing.assert_array_equal(written, expected)


def test_frames_may_have_any_memory_layout():
    replay = make(frame_shape=(2, 3), capacity=10)
    frames = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    no = np.array([False])
    for frame in frames:
        replay.add(np.asfortranarray(frame)[None], [[0]], [0], no, no)
    batch = replay.sample(9)
    np.testing.assert_array_equal(batch.obs[:, 0], frames[batch.obs[:, 0, 0, 0] // 6])


def test_arguments_of_add_may_be_read_only():
    replay = make(capacity=10, extras={"age": ((), np.int16)})
    arrays = [
        np.zeros((1, 1), np.uint8),
        np.zeros((1, 1), np.float32),
        np.zeros(1, np.float32),
        np.zeros(1, bool),
        np.ones(1, bool),
        np.zeros((1, 1), np.uint8),
        np.ones(1, bool),
        np.zeros(1, np.int16),
    ]
    for array in arrays:
        assert isinstance(array, np.ndarray)
        array.setflags(write=False)
    *step, age = arrays
    replay.add(*step, extras={"age": age})
    assert len(replay) == 1
