"""The replay, filled and on one thread."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apexline import Batch, PrioritizedFrameReplay
from workloads.tree import FAN_OUT, as_nodes
from workloads.workload import Workload

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
            num_threads=1,
            **options,
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


class ReplaySample(Workload):
    """The reference fetches as many frames of the same size, at random from as many, whole or row by row."""

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
        # A shifted frame is copied by rows, one that stays where it is in one piece.
        pieces = self.side if self.shift else 1
        self._store = self.feed.frames.reshape(self.steps * LANES * pieces, -1)
        frames = np.random.default_rng(0).integers(
            0, self.steps * LANES, (16, 2 * self.batch_size * self.frame_stack, 1)
        )
        self._indices = cycle((frames * pieces + np.arange(pieces)).reshape(len(frames), -1))
        self._fetched = np.empty((frames.shape[1] * pieces, self._store.shape[1]), np.uint8)

    def run(self) -> Batch:
        return self.feed.replay.sample(self.batch_size, out=self._batch)

    def reference(self) -> NDArray[np.uint8]:
        # In any other mode NumPy takes into a buffer first.
        return np.take(self._store, next(self._indices), axis=0, out=self._fetched, mode="clip")


class ReplaySample42(ReplaySample):
    name = "replay-sample-42"
    reference_name = "take 768 x 42 rows of 42 bytes"
    steps, side, batch_size, frame_stack, shift = 10_000, 42, 128, 3, 2


class ReplaySample84(ReplaySample):
    name = "replay-sample-84"
    reference_name = "take 2048 frames of 84x84"
    steps, side, batch_size, frame_stack, shift = 2_500, 84, 256, 4, 0


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
