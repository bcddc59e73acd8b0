"""Frequencies of sampling, with fixed seeds.

Stratified batches vary less than independent draws, so chi-square tests need batches of one. For large batches there
is a sharper bound: an index with a fraction p of the total is sampled within 2 of n * p times.
"""

import numpy as np
import pytest
from scipy import stats

from apexline import PrioritizedFrameReplay, SumTree

DRAWS = 20_000


def uneven_priorities(count):
    priorities = np.random.default_rng(0).lognormal(size=count)
    priorities[::7] = 0
    return priorities


def uneven_replay(length=60, alpha=0.6):
    """One environment whose frames and actions are their numbers, with the TD error of each."""
    replay = PrioritizedFrameReplay(
        capacity=100,
        num_envs=1,
        frame_shape=(1,),
        action_shape=(),
        frame_dtype=np.int64,
        alpha=alpha,
        num_threads=1,
    )
    no = np.array([False])
    for number in range(length + 1):
        replay.add(np.array([[number]]), [number], [0], no, no)
    td_errors = np.random.default_rng(1).normal(scale=3, size=length)
    batch = replay.sample(3 * length)
    replay.update_priorities(batch.indices, td_errors[batch.obs[:, 0, 0]])
    return replay, td_errors


def p_value(counts, priorities):
    expected = priorities / priorities.sum() * counts.sum()
    assert counts[priorities == 0].sum() == 0
    positive = priorities > 0
    return stats.chisquare(counts[positive], expected[positive]).pvalue


@pytest.mark.parametrize("count", [3, 9, 100, 600])
def test_a_tree_samples_in_proportion_to_priorities(count):
    priorities = uneven_priorities(count)
    tree = SumTree(count, seed=11)
    tree[np.arange(count)] = priorities
    counts = np.bincount([tree.sample(1).item() for _ in range(DRAWS)], minlength=count)
    assert p_value(counts, priorities) > 1e-3


@pytest.mark.parametrize("n", [1_000, 54_321])
def test_a_stratified_batch_is_within_two_of_its_share(n):
    priorities = uneven_priorities(3000)
    tree = SumTree(3000, seed=11)
    tree[np.arange(3000)] = priorities
    counts = np.bincount(tree.sample(n), minlength=3000)
    assert np.abs(counts - n * priorities / priorities.sum()).max() < 2


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
def test_a_replay_samples_in_proportion_to_its_priorities(alpha):
    replay, td_errors = uneven_replay(alpha=alpha)
    out = replay.empty_batch(1)
    counts = np.zeros(len(td_errors))
    for _ in range(DRAWS):
        counts[replay.sample(1, out=out).obs.item()] += 1
    assert p_value(counts, (np.abs(td_errors) + 1e-2) ** alpha) > 1e-3


def coordinates(side):
    """A frame whose pixels are their indices, so that the middle pixel shows the shift."""
    return np.arange(side * side, dtype=np.int16).reshape(1, side, side)


def replay_of_shifted_frames(shift, length=12):
    side = 2 * shift + 1
    replay = PrioritizedFrameReplay(
        capacity=length,
        num_envs=1,
        frame_shape=(side, side),
        action_shape=(),
        frame_dtype=np.int16,
        action_dtype=np.int64,
        alpha=1.0,
        shift=shift,
        seed=4,
        num_threads=2,
    )
    no = np.array([False])
    for number in range(length):
        replay.add(coordinates(side), [number], [0], no, no)
    return replay


@pytest.mark.parametrize("ahead", [False, True], ids=["sample", "prefetch"])
def test_shifts_and_threads_do_not_change_the_frequencies(ahead):
    replay = replay_of_shifted_frames(shift=2)
    batch = replay.sample(40)
    priorities = np.arange(1.0, 12.0)
    replay.update_priorities(batch.indices, priorities[batch.action])
    if ahead:
        with replay.prefetch(1, depth=4) as prefetch:
            drawn = [next(prefetch).action.item() for _ in range(DRAWS)]
    else:
        drawn = [replay.sample(1).action.item() for _ in range(DRAWS)]
    assert p_value(np.bincount(drawn, minlength=11), priorities + 1e-2) > 1e-3


@pytest.mark.parametrize("shift", [1, 3])
def test_every_shift_is_equally_likely_and_that_of_next_obs_is_independent(shift):
    side, batch_size = 2 * shift + 1, 8192
    replay = replay_of_shifted_frames(shift)
    out = replay.empty_batch(batch_size)
    pairs = np.zeros((side * side, side * side))
    starts = np.zeros((side * side, 11))
    for _ in range(4):
        batch = replay.sample(batch_size, out=out)
        shifts = batch.obs[:, 0, shift, shift], batch.next_obs[:, 0, shift, shift]
        np.add.at(pairs, shifts, 1)
        np.add.at(starts, (shifts[0], batch.action), 1)
    assert stats.chisquare(pairs.sum(axis=0)).pvalue > 1e-3
    assert stats.chisquare(pairs.sum(axis=1)).pvalue > 1e-3
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-3
    assert stats.chi2_contingency(starts).pvalue > 1e-3


def test_importance_weights_of_beta_one_remove_the_bias():
    replay, td_errors = uneven_replay()
    batch = replay.sample(DRAWS, beta=1.0)
    values = np.abs(td_errors)[batch.obs[:, 0, 0]]
    uniform_mean = np.abs(td_errors).mean()
    assert values.mean() > 1.2 * uniform_mean
    np.testing.assert_allclose(np.average(values, weights=batch.weights), uniform_mean, rtol=2e-3)
