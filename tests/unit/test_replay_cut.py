"""`cut_episodes` on a short episode with expected values computed by hand. Frames contain their number."""

import numpy as np
import pytest

from apexline import PrioritizedFrameReplay

NO = np.zeros(2, bool)


def filled(steps):
    replay = PrioritizedFrameReplay(
        capacity=40, num_envs=2, frame_shape=(), action_shape=(), action_dtype=np.int64, n_step=2, gamma=0.5
    )
    for number in range(steps):
        add(replay, number)
    return replay


def add(replay, number):
    replay.add(np.array([number, 100 + number], np.uint8), [number, number], [1, 1], NO, NO)


def transitions(replay):
    batch = replay.sample(4 * len(replay))
    return {
        (int(obs), int(next_obs), float(reward), float(discount))
        for obs, next_obs, reward, discount in zip(
            batch.obs[:, 0], batch.next_obs[:, 0], batch.reward, batch.discount, strict=True
        )
    }


def test_the_last_frame_becomes_the_final_frame_and_the_step_before_is_truncated():
    replay = filled(steps=4)
    replay.cut_episodes(np.array([True, False]))
    add(replay, 9)
    assert transitions(replay) == {
        (0, 2, 1.5, 0.25),
        (1, 3, 1.5, 0.25),
        (2, 3, 1.0, 0.5),
        (100, 102, 1.5, 0.25),
        (101, 103, 1.5, 0.25),
        (102, 109, 1.5, 0.25),
    }
    assert replay.stats().episodes == 1


def test_an_episode_of_one_frame_leaves_nothing():
    replay = filled(steps=1)
    replay.cut_episodes()
    for number in (5, 6, 7):
        add(replay, number)
    assert transitions(replay) == {(5, 7, 1.5, 0.25), (105, 107, 1.5, 0.25)}
    assert replay.stats().episodes == 0


def test_cutting_twice_or_without_a_running_episode_changes_nothing():
    replay = filled(steps=4)
    replay.cut_episodes()
    before = replay.priorities
    replay.cut_episodes()
    np.testing.assert_array_equal(replay.priorities, before)
    filled(steps=0).cut_episodes()


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        (np.array([True]), ValueError, r"mask has shape \(1,\); expected \(2,\)"),
        (np.array([1, 0]), TypeError, "mask has dtype int64; expected bool"),
    ],
)
def test_a_bad_mask_is_named(mask, error, message):
    with pytest.raises(error, match=message):
        filled(steps=4).cut_episodes(mask)
