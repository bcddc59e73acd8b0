"""A filled replay on one thread."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apexline import Batch, PrioritizedFrameReplay
from benchmarks.ratios.workloads.tree import FAN_OUT, as_nodes
from benchmarks.ratios.workloads.workload import Workload

NUM_ENVS = 8
N_STEP = 3
GAMMA = 0.99
ALPHA = 0.6
EPSILON = 0.01


class FilledReplay:
    """A full replay and a source of further steps. An action is (index of the environment, number of the step)."""

    def __init__(self, frames: NDArray[np.uint8], **options: Any) -> None:
        """Adds endless episodes of `frames` (steps, num_envs, H, W), repeated, until the replay is full."""
        num_envs = frames.shape[1]
        self.frames = frames
        self.steps = 0
        self.replay = PrioritizedFrameReplay(
            num_envs=num_envs,
            frame_shape=frames.shape[2:],
            action_shape=(2,),
            n_step=N_STEP,
            gamma=GAMMA,
            **{"num_threads": 1, **options},
        )
        self._actions = np.stack([np.arange(num_envs), np.zeros(num_envs)], axis=1).astype(np.float32)
        self._rewards = np.ones(num_envs, np.float32)
        self._not_ended = np.zeros(num_envs, bool)
        for _ in range(self.replay.capacity // num_envs):
            self.step()

    def step(self) -> None:
        """Adds one step of every environment."""
        self._actions[:, 1] = self.steps
        frames = self.frames[self.steps % len(self.frames)]
        self.replay.add(frames, self._actions, self._rewards, self._not_ended, self._not_ended)
        self.steps += 1

    def stacks(self, actions: NDArray[np.float32], later: int = 0) -> NDArray[np.uint8]:
        """The stacks (B, frame_stack, H, W) `later` steps after `actions` (B, 2), gathered naively."""
        envs, steps = actions.astype(np.int64).T[:, :, None]
        stack = np.maximum(0, steps + later + np.arange(1 - self.replay.frame_stack, 1))
        stacks: NDArray[np.uint8] = self.frames[stack % len(self.frames), envs]
        return stacks


def random_frames(steps: int, side: int) -> NDArray[np.uint8]:
    """Noise (steps, NUM_ENVS, side, side)."""
    return np.random.default_rng(0).integers(0, 256, (steps, NUM_ENVS, side, side), np.uint8)


class ReplayAdd(Workload):
    """The added frames are in a CPU cache, as after a step of an environment; their destination is not."""

    name = "replay-add"
    reference_name = "copy 8 frames of 84x84"

    def __init__(self) -> None:
        slots = 2_500
        self.filled = FilledReplay(random_frames(32, 84), capacity=slots * NUM_ENVS, frame_stack=4)
        self._ring = np.ones((NUM_ENVS, slots, 84, 84), np.uint8)
        self._places = cycle(range(slots))

    def run(self) -> None:
        self.filled.step()

    def reference(self) -> None:
        place = next(self._places)
        self._ring[:, place] = self.filled.frames[place % len(self.filled.frames)]


def take_stacks(
    frames: NDArray[np.uint8], frame_stack: int, batch_size: int
) -> Callable[[], NDArray[np.uint8]]:
    """Returns a call that takes the frames of a random batch from a copy of `frames` (steps, num_envs, H, W).

    The copy is laid out as the replay's ring buffers are.
    """
    steps, num_envs = frames.shape[:2]
    store = np.ascontiguousarray(frames.swapaxes(0, 1)).reshape(steps * num_envs, -1)
    rng = np.random.default_rng(0)
    stack = np.arange(1 - frame_stack, 1)
    offsets = np.concatenate([stack, N_STEP + stack])
    starts = rng.integers(0, num_envs, (64, batch_size)) * steps
    starts += rng.integers(frame_stack, steps - N_STEP, starts.shape)
    batches = cycle((starts[:, :, None] + offsets).reshape(len(starts), -1))
    fetched = np.zeros((batch_size * len(offsets), store.shape[1]), np.uint8)
    # In any other mode NumPy takes into a temporary buffer first.
    return lambda: np.take(store, next(batches), axis=0, out=fetched, mode="clip")


class ReplaySample(Workload):
    """The reference takes the frames of the same number of stacks."""

    steps: int
    side: int
    batch_size: int
    frame_stack: int
    shift: int

    def __init__(self) -> None:
        self.filled = FilledReplay(
            random_frames(self.steps, self.side),
            capacity=self.steps * NUM_ENVS,
            frame_stack=self.frame_stack,
            shift=self.shift,
        )
        self._batch = self.filled.replay.empty_batch(self.batch_size)
        self._take = take_stacks(self.filled.frames, self.frame_stack, self.batch_size)

    def run(self) -> Batch:
        return self.filled.replay.sample(self.batch_size, out=self._batch)

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
    """Small enough for a CPU cache; the benchmarks of the tree include memory latency."""

    name = "replay-update-priorities"
    reference_name = "scatter 256 powers, sum their nodes"

    def __init__(self) -> None:
        capacity = 20_000
        self.filled = FilledReplay(random_frames(1, 1), capacity=capacity, alpha=ALPHA, epsilon=EPSILON)
        self.td_errors = np.random.default_rng(0).standard_normal(256)
        self._handles = cycle([self.filled.replay.sample(256).indices for _ in range(64)])
        self._nodes = as_nodes(np.ones(capacity))

    def run(self) -> tuple[NDArray[np.int64], int]:
        handles = next(self._handles)
        return handles, self.filled.replay.update_priorities(handles, self.td_errors)

    def reference(self) -> NDArray[np.float64]:
        handles = next(self._handles)
        self._nodes.reshape(-1)[handles] = (np.abs(self.td_errors) + EPSILON) ** ALPHA
        sums: NDArray[np.float64] = self._nodes.take(handles // FAN_OUT, axis=0).sum(axis=1)
        return sums
