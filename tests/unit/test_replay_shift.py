"""The random shift against its definition: pad by replicating the border, crop a window of the frame's size."""

import numpy as np
import pytest
from scipy import stats

from apexline import PrioritizedFrameReplay

LENGTH = 8
FRAME_STACK = 3


def crops(frame, shift):
    """Every window, `((2 * shift + 1) ** 2, *frame.shape)`."""
    height, width = frame.shape[-2:]
    padded = np.pad(frame, [(0, 0)] * (frame.ndim - 2) + [(shift, shift)] * 2, mode="edge")
    corners = [(y, x) for y in range(2 * shift + 1) for x in range(2 * shift + 1)]
    return np.stack([padded[..., y : y + height, x : x + width] for y, x in corners])


def sampled_crops(shape, dtype, shift, batch_size, asked=None):
    """For each sample, the numbers of the crops, by up to `asked` pixels, that `obs` and `next_obs` equal."""
    pixels = np.random.default_rng(0).permutation(LENGTH * np.prod(shape))
    frames = pixels.astype(dtype).reshape(LENGTH, *shape)
    replay = PrioritizedFrameReplay(
        capacity=LENGTH,
        num_envs=1,
        frame_shape=shape,
        action_shape=(),
        frame_dtype=dtype,
        frame_stack=FRAME_STACK,
        alpha=0.0,
        shift=shift,
    )
    no = np.array([False])
    for number, frame in enumerate(frames):
        replay.add(frame[None], [number], [0], no, no)

    stacks = [frames[np.maximum(0, np.arange(at - FRAME_STACK + 1, at + 1))] for at in range(LENGTH)]
    windows = [crops(stack, shift if asked is None else asked) for stack in stacks]
    batch = replay.sample(batch_size, shift=asked)
    starts = batch.action.astype(int)
    return (
        [which(windows[start], obs) for start, obs in zip(starts, batch.obs, strict=True)],
        [which(windows[start + 1], obs) for start, obs in zip(starts, batch.next_obs, strict=True)],
    )


def which(windows, obs):
    """The number of the window that equals the whole stack."""
    [match] = np.flatnonzero((windows == obs).all(axis=tuple(range(1, windows.ndim))))
    return int(match)


@pytest.mark.parametrize(
    ("shape", "dtype", "shift"),
    [
        ((6, 5), np.uint8, 1),
        ((6, 5), np.uint8, 4),
        ((3, 4, 6), np.uint8, 2),
        ((2, 2, 4, 4), np.uint8, 1),
        ((6, 5), np.float32, 2),
        ((5, 6), np.int16, 3),
        ((3, 4, 5), np.float64, 3),
        ((4, 4), bool, 0),
    ],
)
def test_a_stack_is_one_crop_and_every_crop_occurs(shape, dtype, shift):
    obs_crops, next_crops = sampled_crops(shape, dtype, shift, batch_size=1500)
    every_crop = set(range((2 * shift + 1) ** 2))
    assert set(obs_crops) == every_crop
    assert set(next_crops) == every_crop


@pytest.mark.parametrize("asked", [0, 1, 2])
def test_a_batch_may_be_shifted_by_less(asked):
    every_crop = set(range((2 * asked + 1) ** 2))
    for found in sampled_crops((6, 5), np.uint8, shift=2, batch_size=1500, asked=asked):
        assert set(found) == every_crop


def test_crops_are_uniform_and_those_of_obs_and_next_obs_independent():
    count = 9
    pairs = np.zeros((count, count))
    np.add.at(pairs, sampled_crops((6, 5), np.uint8, shift=1, batch_size=8100), 1)
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-3
    assert stats.chisquare(pairs.sum(axis=0)).pvalue > 1e-3
    assert stats.chisquare(pairs.sum(axis=1)).pvalue > 1e-3


def test_batches_are_shifted_independently():
    replay = PrioritizedFrameReplay(
        capacity=8, num_envs=1, frame_shape=(30, 30), action_shape=(), shift=15, num_threads=1
    )
    frame = np.arange(900, dtype=np.uint8).reshape(1, 30, 30)
    no = np.array([False])
    for _ in range(2):
        replay.add(frame, [0], [0], no, no)
    batches = [replay.sample(1).obs.tobytes() for _ in range(20)]
    assert len(set(batches)) > 15


def test_vectors_are_returned_unchanged():
    replay = PrioritizedFrameReplay(
        capacity=8, num_envs=2, frame_shape=(24,), action_shape=(3,), frame_dtype=np.float32, frame_stack=2
    )
    vectors = np.random.default_rng(0).normal(size=(5, 2, 24)).astype(np.float32)
    no = np.zeros(2, bool)
    for number, vector in enumerate(vectors):
        replay.add(vector, np.full((2, 3), number), [0, 1], no, no)
    batch = replay.sample(50)
    at, env = batch.action[:, 0].astype(int), batch.reward.astype(int)
    np.testing.assert_array_equal(batch.obs[:, 1], vectors[at, env])
    np.testing.assert_array_equal(batch.obs[:, 0], vectors[np.maximum(at - 1, 0), env])
    np.testing.assert_array_equal(batch.next_obs[:, 1], vectors[at + 1, env])
