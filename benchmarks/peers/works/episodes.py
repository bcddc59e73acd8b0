"""The work of the replays: episodes of 250 steps, stacks of four 84x84 frames, batches of 256."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.peers.works.protocol import Work

TRANSITIONS = 20_000
STEPS = 250
"""Transitions per episode; the last one terminates."""
STACK = 4
SIDE = 84
OBS_SHAPE = (STACK, SIDE, SIDE)
ACTION_SHAPE = (2,)
N_STEP = 3
GAMMA = 0.99
ALPHA = 0.6
BETA = 0.4
EPSILON = 0.01
BATCH = 256
BATCHES = 64
"""Sampled batches whose priorities are set in turn."""
NOISE = np.random.default_rng(0).integers(0, 256, (64, SIDE, SIDE), np.uint8)


@dataclass(frozen=True)
class Episode:
    """All transitions of an episode. An action is (number of the episode, step)."""

    obs: NDArray[np.uint8]
    action: NDArray[np.float32]
    reward: NDArray[np.float32]
    next_obs: NDArray[np.uint8]
    terminated: NDArray[np.bool_]

    @classmethod
    def make(cls, number: int) -> Episode:
        steps = np.arange(STEPS)
        action = np.stack([np.full(STEPS, number), steps], axis=1).astype(np.float32)
        obs = stacks(number, np.arange(STEPS + 1))
        return cls(obs[:-1], action, rewards(steps), obs[1:], steps == STEPS - 1)


def stacks(episodes: ArrayLike, steps: ArrayLike) -> NDArray[np.uint8]:
    """Observations (..., STACK, SIDE, SIDE) at the given steps; before a start the first frame repeats.

    Frames are noise that begins with the number of the frame, so no two are equal.
    """
    frame_steps = np.maximum(0, np.asarray(steps)[..., None] + np.arange(1 - STACK, 1))
    numbers = np.asarray(episodes)[..., None] * (STEPS + 1) + frame_steps
    frames: NDArray[np.uint8] = NOISE[numbers % len(NOISE)]
    frames[..., 0, :4] = numbers.astype("<u4")[..., None].view(np.uint8)
    return frames


def rewards(steps: NDArray[np.int64]) -> NDArray[np.float32]:
    return (steps % 7).astype(np.float32)


class Replay(Work):
    """A peer implements how its buffer is filled, sampled and updated, and names the fields of its batches."""

    calls: Sequence[str] = ("sample", "update")
    n_step: ClassVar[int] = N_STEP
    transitions: ClassVar[int] = TRANSITIONS
    prioritized: ClassVar[bool] = True

    def __init__(self) -> None:
        np.random.seed(0)  # noqa: NPY002 - the generator of most peers
        self.fill()
        if not self.prioritized:
            return
        rng = np.random.default_rng(0)
        errors = np.abs(rng.standard_normal((BATCHES - 1, BATCH)))
        for number in range(2 * self.transitions // BATCH):  # until few initial priorities are left
            self.put(self.indices(self.draw()), self.errors(errors[number % len(errors)]))
        # One batch of errors fewer than of indices, so that they pair up differently in every cycle.
        self._errors = cycle([self.errors(batch) for batch in errors])
        self._indices = cycle([self.indices(self.draw()) for _ in range(BATCHES)])

    @abstractmethod
    def fill(self) -> None:
        """Creates a buffer with `transitions` transitions."""

    @abstractmethod
    def draw(self) -> Any:
        """Samples a batch with everything that a learner needs."""

    @abstractmethod
    def fields(self, batch: Any) -> tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]:
        """obs, action, reward and next_obs of a batch, for the check."""

    def indices(self, batch: Any) -> Any:
        """Indices of a batch, in the type that `put` takes."""
        raise NotImplementedError

    def errors(self, errors: NDArray[np.float64]) -> Any:
        """Absolute errors (B,) in a type that `put` takes without conversion."""
        return errors

    def put(self, indices: Any, errors: Any) -> None:
        """Sets priorities to (error + epsilon)^alpha."""
        raise NotImplementedError

    def sample(self) -> Any:
        """Samples a batch."""
        return self.draw()

    def update(self) -> None:
        """Sets the priorities of a batch."""
        self.put(next(self._indices), next(self._errors))

    def check(self) -> None:
        for _ in range(4):
            obs, action, reward, next_obs = (np.asarray(field) for field in self.fields(self.draw()))
            assert obs.shape == next_obs.shape == (BATCH, *OBS_SHAPE), f"obs is {obs.shape}"
            assert obs.dtype == next_obs.dtype == np.uint8, f"obs is {obs.dtype}"
            episodes, steps = action.astype(np.int64).reshape(BATCH, 2).T
            assert len(np.unique(episodes * STEPS + steps)) > BATCH // 2, (
                "too few distinct transitions are sampled"
            )
            assert np.array_equal(obs, stacks(episodes, steps)), "obs is not what was stored"
            # Fields after the end of an episode are undefined; peers differ in them.
            inner = steps + self.n_step < STEPS
            after = stacks(episodes, steps + self.n_step)
            assert np.array_equal(next_obs[inner], after[inner]), "next_obs is not what was stored"
            discounts = GAMMA ** np.arange(self.n_step)
            summed = (rewards(steps[:, None] + np.arange(self.n_step)) * discounts).sum(axis=1)
            assert np.allclose(reward.reshape(-1)[inner], summed[inner], atol=1e-4), "reward is wrong"
