"""Prioritized experience replay over frames that are each stored once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from apexline import _core
from apexline.replay.batch import Batch


class PrioritizedFrameReplay:
    """Prioritized replay (Schaul et al. 2016) with one ring of frames per environment.

    Every frame is stored once: an episode of T decisions takes T + 1 slots. Frame stacks, next observations, n-step
    returns and random shifts are made when a batch is sampled. A start can be sampled exactly while its whole stack
    is stored, its next frame is known and its n-step return is complete or ended; everything else has priority zero.
    A stack never mixes episodes (at a start the first frame repeats) and a return never crosses an episode's end.

    Results depend on the arguments, the seed and the order of calls, not on `num_threads`. Calls from several
    threads are safe and run one at a time; the GIL is released while they run.

    Args:
        capacity: slots over all environments, rounded down to a multiple of `num_envs`.
        num_envs: environments (lanes) that `add` takes a step of at once.
        frame_shape: shape of one frame; the last two axes are height and width, axes before them are planes.
        action_shape: shape of one action.
        frame_dtype: dtype of frames.
        frame_stack: frames in an observation.
        n_step: steps in a return.
        gamma: discount of one step, 0 to 1.
        alpha: how far priorities matter, 0 (uniform) to 1.
        beta: importance-weight exponent where `sample` is given none, 0 to 1.
        epsilon: added to |td| so that nothing becomes unreachable; above 0.
        shift: random shift in pixels after DrQ (Kostrikov et al. 2021): one draw a sample for the whole stack,
            `obs` and `next_obs` apart; 0 is off.
        seed: of all random draws.
        num_threads: threads that gather a batch; None takes the processors this process may use.

    Raises:
        ValueError: an argument is out of its range; the message names it.
    """

    def __init__(
        self,
        *,
        capacity: int,
        num_envs: int,
        frame_shape: tuple[int, ...],
        action_shape: tuple[int, ...],
        frame_dtype: DTypeLike = np.uint8,
        frame_stack: int = 1,
        n_step: int = 1,
        gamma: float = 0.99,
        alpha: float = 0.6,
        beta: float = 0.4,
        epsilon: float = 1e-2,
        shift: int = 0,
        seed: int = 0,
        num_threads: int | None = None,
    ) -> None:
        self.frame_shape = tuple(frame_shape)
        self.action_shape = tuple(action_shape)
        self.frame_dtype = np.dtype(frame_dtype)
        self.frame_stack = frame_stack
        self.num_envs = num_envs
        self.beta = beta
        if self.frame_dtype.kind not in "biuf":
            raise ValueError(f"frame_dtype is {self.frame_dtype}; it must be a plain number type")
        self._core = _core.Replay(
            capacity=capacity,
            num_envs=num_envs,
            frame_shape=self.frame_shape,
            action_shape=self.action_shape,
            frame_dtype=self.frame_dtype,
            frame_stack=frame_stack,
            n_step=n_step,
            gamma=gamma,
            alpha=alpha,
            beta=beta,
            epsilon=epsilon,
            shift=shift,
            seed=seed,
            num_threads=num_threads,
        )

    def __len__(self) -> int:
        """Transitions that can be sampled now."""
        return self._core.num_eligible

    @property
    def capacity(self) -> int:
        """Slots over all environments."""
        return self._core.capacity

    @property
    def num_threads(self) -> int:
        """Threads that gather a batch."""
        return self._core.num_threads

    @property
    def max_priority(self) -> float:
        """Largest priority given so far, which new transitions get; 1.0 at first."""
        return self._core.max_priority

    @property
    def priorities(self) -> NDArray[np.float64]:
        """A copy of the priority of every slot, lane by lane, `(capacity,)` float64; zero where not eligible."""
        return self._core.priorities()

    def add(
        self,
        frames: NDArray[Any],
        actions: ArrayLike,
        rewards: ArrayLike,
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
        final_frames: NDArray[Any] | None = None,
        mask: NDArray[np.bool_] | None = None,
    ) -> None:
        """Stores one step of every environment.

        Args:
            frames: `(num_envs, *frame_shape)` of `frame_dtype`, what was seen before acting.
            actions: `(num_envs, *action_shape)`, what was done; kept as float32.
            rewards: `(num_envs,)`, what followed; kept as float32.
            terminated: `(num_envs,)` bool, the episode ended and nothing follows.
            truncated: `(num_envs,)` bool, the episode was cut short and its value goes on; where both are true the
                step counts as terminated.
            final_frames: `(num_envs, *frame_shape)`, the true last frame of the environments that ended (other rows
                are ignored). Required where truncated; a terminated environment without one repeats its last frame.
            mask: `(num_envs,)` bool, False leaves an environment out, as for the reset row of next-step autoreset.

        Raises:
            ValueError: a shape is wrong, a reward or action is not finite, or a truncated environment has no final
                frame. Nothing is stored then.
            TypeError: a dtype is wrong.
        """
        self._core.add(frames, actions, rewards, terminated, truncated, final_frames, mask)

    def empty_batch(self, batch_size: int) -> Batch:
        """Uninitialised arrays of the right shapes and dtypes, to hand to `sample` as `out`."""
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be >= 1")
        stacked = (batch_size, self.frame_stack, *self.frame_shape)
        return Batch(
            obs=np.empty(stacked, self.frame_dtype),
            action=np.empty((batch_size, *self.action_shape), np.float32),
            reward=np.empty(batch_size, np.float32),
            discount=np.empty(batch_size, np.float32),
            next_obs=np.empty(stacked, self.frame_dtype),
            weights=np.empty(batch_size, np.float32),
            indices=np.empty(batch_size, np.int64),
        )

    def sample(self, batch_size: int, beta: float | None = None, out: Batch | None = None) -> Batch:
        """Draws transitions in proportion to their priorities, stratified, with replacement.

        Args:
            batch_size: transitions to draw.
            beta: importance-weight exponent, 0 to 1; None takes the replay's own.
            out: arrays to write into, as from `empty_batch(batch_size)`; returned.

        Raises:
            ValueError: nothing can be sampled yet, beta or batch_size is out of range, or an array of `out` has the
                wrong shape.
            TypeError: an array of `out` has the wrong dtype.
        """
        if out is None:
            out = self.empty_batch(batch_size)
        elif len(out.indices) != batch_size:
            raise ValueError(f"out holds {len(out.indices)} transitions; batch_size is {batch_size}")
        self._core.sample(self.beta if beta is None else beta, *out)
        return out

    def update_priorities(self, indices: ArrayLike, td_errors: ArrayLike) -> int:
        """Sets priorities to (|td| + epsilon)^alpha; of equal indices the last wins.

        Args:
            indices: integers `(B,)` from `Batch.indices`.
            td_errors: `(B,)`, raw temporal-difference errors.

        Returns:
            How many were stale and ignored: their slot was overwritten, or they can no longer be sampled.

        Raises:
            ValueError: an error is not finite, or shapes differ. Nothing is changed then.
            IndexError: an index was never given out. Nothing is changed then.
        """
        return self._core.update_priorities(indices, td_errors)

    def clear(self) -> None:
        """Forgets every transition and the largest priority; indices given out before are stale."""
        self._core.clear()
