"""The replay, filled and on one thread."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apexline import Batch, PrioritizedFrameReplay
from benchmarks.ratios.workloads.tree import FAN_OUT, as_nodes
from benchmarks.ratios.workloads.workload import Workload

LANES = 8
N_STEP = 3
GAMMA = 0.99
ALPHA = 0.6
EPSILON = 0.01


class Feed:
    """A replay and endless steps for it; each action says which step it is: (lane, number of the step)."""

    def __init__(self, frames: NDArray[np.uint8], **options: Any) -> None:
        """Fills a replay with one endless episode in each lane, `frames` (steps, lanes, H, W) over and over."""
        lanes = frames.shape[1]
        self.frames = frames
        self.steps = 0
        self.replay = PrioritizedFrameReplay(
            num_envs=lanes,
            frame_shape=frames.shape[2:],
            action_shape=(2,),
            n_step=N_STEP,
            gamma=GAMMA,
            **{"num_threads": 1, **options},
        )
        self._actions = np.stack([np.arange(lanes), np.zeros(lanes)], axis=1).astype(np.float32)
        self._rewards = np.ones(lanes, np.float32)
        self._not_ended = np.zeros(lanes, bool)
        for _ in range(self.replay.capacity // lanes):
            self.step()

    def step(self) -> None:
        self._actions[:, 1] = self.steps
        frames = self.frames[self.steps % len(self.frames)]
        self.replay.add(frames, self._actions, self._rewards, self._not_ended, self._not_ended)
        self.steps += 1

    def stacks(self, actions: NDArray[np.float32], later: int = 0) -> NDArray[np.uint8]:
        """The stacks (B, frame_stack, H, W) seen `later` steps after `actions` (B, 2), gathered naively."""
        lanes, steps = actions.astype(np.int64).T[:, :, None]
        stack = np.maximum(0, steps + later + np.arange(1 - self.replay.frame_stack, 1))
        stacks: NDArray[np.uint8] = self.frames[stack % len(self.frames), lanes]
        return stacks


def random_frames(steps: int, side: int) -> NDArray[np.uint8]:
    """Noise, (steps, LANES, side, side)."""
    return np.random.default_rng(0).integers(0, 256, (steps, LANES, side, side), np.uint8)


class ReplayAdd(Workload):
    """The frames to add are in a cache, as an environment leaves them; where they go to is not."""

    name = "replay-add"
    reference_name = "copy 8 frames of 84x84"

    def __init__(self) -> None:
        slots = 2_500
        self.feed = Feed(random_frames(32, 84), capacity=slots * LANES, frame_stack=4)
        self._ring = np.ones((LANES, slots, 84, 84), np.uint8)
        self._places = cycle(range(slots))

    def run(self) -> None:
        self.feed.step()

    def reference(self) -> None:
        place = next(self._places)
        self._ring[:, place] = self.feed.frames[place % len(self.feed.frames)]


def take_stacks(
    frames: NDArray[np.uint8], frame_stack: int, batch_size: int
) -> Callable[[], NDArray[np.uint8]]:
    """Fetches the frames of batches at random places from `frames` (steps, lanes, H, W), laid out as lanes are."""
    steps, lanes = frames.shape[:2]
    store = np.ascontiguousarray(frames.swapaxes(0, 1)).reshape(steps * lanes, -1)
    rng = np.random.default_rng(0)
    stack = np.arange(1 - frame_stack, 1)
    offsets = np.concatenate([stack, N_STEP + stack])
    starts = rng.integers(0, lanes, (64, batch_size)) * steps
    starts += rng.integers(frame_stack, steps - N_STEP, starts.shape)
    batches = cycle((starts[:, :, None] + offsets).reshape(len(starts), -1))
    fetched = np.zeros((batch_size * len(offsets), store.shape[1]), np.uint8)
    # In any other mode NumPy takes into a buffer first.
    return lambda: np.take(store, next(batches), axis=0, out=fetched, mode="clip")


class ReplaySample(Workload):
    """The reference fetches the frames of as many stacks."""

    steps: int
    side: int
    batch_size: int
    frame_stack: int
    shift: int

    def __init__(self) -> None:
        self.feed = Feed(
            random_frames(self.steps, self.side),
            capacity=self.steps * LANES,
            frame_stack=self.frame_stack,
            shift=self.shift,
        )
        self._batch = self.feed.replay.empty_batch(self.batch_size)
        self._take = take_stacks(self.feed.frames, self.frame_stack, self.batch_size)

    def run(self) -> Batch:
        return self.feed.replay.sample(self.batch_size, out=self._batch)

    def reference(self) -> NDArray[np.uint8]:
        return self._take()


class ReplaySample42(ReplaySample):
    name = "replay-sample-42"
    reference_name = "take 768 frames of 42x42"
    steps, side, batch_size, frame_stack, shift = 10_000, 42, 128, 3, 2


class ReplaySample84(ReplaySample):
    name = "replay-sample-84"
    reference_name = "take 2048 frames of 84x84"
    steps, side, batch_size, frame_stack, shift = 2_500, 84, 256, 4, 0


class ReplaySample84Shifted(ReplaySample):
    name = "replay-sample-84-shifted"
    reference_name = "take 2048 frames of 84x84"
    steps, side, batch_size, frame_stack, shift = 2_500, 84, 256, 4, 4


class ReplayUpdatePriorities(Workload):
    """Small enough for a cache: how fast memory answers is what the tree's benchmarks measure."""

    name = "replay-update-priorities"
    reference_name = "scatter 256 powers, sum their nodes"

    def __init__(self) -> None:
        capacity = 20_000
        self.feed = Feed(random_frames(1, 1), capacity=capacity, alpha=ALPHA, epsilon=EPSILON)
        self.td_errors = np.random.default_rng(0).standard_normal(256)
        self._handles = cycle([self.feed.replay.sample(256).indices for _ in range(64)])
        self._nodes = as_nodes(np.ones(capacity))

    def run(self) -> tuple[NDArray[np.int64], int]:
        handles = next(self._handles)
        return handles, self.feed.replay.update_priorities(handles, self.td_errors)

    def reference(self) -> NDArray[np.float64]:
        handles = next(self._handles)
        self._nodes.reshape(-1)[handles] = (np.abs(self.td_errors) + EPSILON) ** ALPHA
        sums: NDArray[np.float64] = self._nodes.take(handles // FAN_OUT, axis=0).sum(axis=1)
        return sums
