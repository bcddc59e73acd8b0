"""Prioritized experience replay that stores each frame once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Literal, SupportsIndex, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from apexline import _core
from apexline.replay.batch import Batch, TensorBatch, to_torch
from apexline.replay.buffer_pool import BufferPool
from apexline.replay.fields import as_fields, as_float, as_integer, as_number_dtype, as_seed, as_shape
from apexline.replay.prefetch import Prefetch
from apexline.replay.saving import Saving
from apexline.replay.settings import Settings, settings_of
from apexline.replay.stats import ReplayStats

MAX_DEPTH = 1024
"""Batches of a prefetch in memory."""


class PrioritizedFrameReplay(Saving):
    """Prioritized replay (Schaul et al. 2016) with one ring buffer of frames per environment.

    Every frame is stored once: an episode of T steps takes T + 1 slots. Frame stacks, next observations, n-step
    returns and random shifts are computed when a batch is sampled. A transition can be sampled if its whole stack
    is stored, its next frame is known and its n-step return is complete or ended; all other slots have priority zero,
    so sampling never rejects. A stack never mixes episodes (the first frame of an episode is repeated) and a return
    never crosses the end of an episode.

    Results depend on the arguments, the seed and the order of calls, not on `num_threads` or the processor. Any number
    of threads may add, sample and update concurrently: each call is atomic, batches are gathered in parallel, and the
    GIL is released. Memory is taken as the replay fills. Pickles include the contents.

    Args:
        capacity: slots over all environments, rounded down to a multiple of `num_envs`.
        num_envs: environments, of which `add` stores one step each.
        frame_shape: shape of one frame; the last two axes are height and width, axes before them are planes.
        action_shape: shape of one action; () for a discrete one.
        frame_dtype: boolean, integer or float dtype of at most 8 bytes.
        action_dtype: as `frame_dtype`: float32 for continuous actions, an integer for discrete ones.
        extras: further fields of a step, as name: (shape, dtype), for example `{"log_prob": ((), np.float32)}`.
        frame_stack: frames in an observation.
        n_step: steps in a return.
        gamma: discount factor of one step, 0 to 1.
        alpha: prioritization exponent, 0 (uniform sampling) to 1.
        beta: importance-weight exponent of batches for which none is given, 0 to 1.
        epsilon: added to |TD error|, so that every transition keeps a positive priority; above 0.
        shift: largest random shift in pixels (DrQ, Kostrikov et al. 2021): one shift per sample for the whole stack,
            different ones for `obs` and `next_obs`; 0 is off.
        seed: seed of all random draws, 0 to 2**64 - 1.
        num_threads: threads that gather a batch; None uses the processors available to this process.

    Raises:
        ValueError: an argument is out of range.
        TypeError: an argument has the wrong type.
        MemoryError: the address space is too small for `capacity`.
    """

    __slots__ = ("__weakref__", "_beta", "_pool", "_tensor_pool")

    def __init__(
        self,
        *,
        capacity: SupportsIndex,
        num_envs: SupportsIndex,
        frame_shape: Sequence[SupportsIndex],
        action_shape: Sequence[SupportsIndex],
        frame_dtype: DTypeLike = np.uint8,
        action_dtype: DTypeLike = np.float32,
        extras: Mapping[str, tuple[Sequence[SupportsIndex], DTypeLike]] | None = None,
        frame_stack: SupportsIndex = 1,
        n_step: SupportsIndex = 1,
        gamma: float = 0.99,
        alpha: float = 0.6,
        beta: float = 0.4,
        epsilon: float = 1e-2,
        shift: SupportsIndex = 0,
        seed: SupportsIndex = 0,
        num_threads: SupportsIndex | None = None,
    ) -> None:
        self._build(
            Settings(
                capacity=as_integer("capacity", capacity),
                num_envs=as_integer("num_envs", num_envs),
                frame_shape=as_shape("frame_shape", frame_shape),
                action_shape=as_shape("action_shape", action_shape),
                frame_dtype=as_number_dtype("frame_dtype", frame_dtype),
                action_dtype=as_number_dtype("action_dtype", action_dtype),
                extras=as_fields(extras or {}),
                frame_stack=as_integer("frame_stack", frame_stack),
                n_step=as_integer("n_step", n_step),
                gamma=as_float("gamma", gamma),
                alpha=as_float("alpha", alpha),
                beta=as_float("beta", beta),
                epsilon=as_float("epsilon", epsilon),
                shift=as_integer("shift", shift),
                seed=as_seed(seed),
                num_threads=None if num_threads is None else as_integer("num_threads", num_threads),
            )
        )

    def _build(self, settings: Settings) -> None:
        self._settings = settings
        self._beta = settings.beta
        self._core = settings.make_core()
        self._pool = BufferPool(settings.batch_fields())
        self._tensor_pool = BufferPool(settings.batch_fields(), pinned=True)

    def __len__(self) -> int:
        """Transitions that can be sampled now."""
        return self._core.num_eligible

    def __repr__(self) -> str:
        names = [field.name for field in fields(Settings)]
        settings = ", ".join(f"{name}={getattr(self, name)}" for name in names)
        return f"<{type(self).__name__} of {len(self)} transitions: {settings}>"

    @property
    def capacity(self) -> int:
        """Slots over all environments."""
        return self._core.capacity

    @property
    def num_threads(self) -> int:
        """Threads that gather a batch."""
        return self._core.num_threads

    @property
    def beta(self) -> float:
        """Importance-weight exponent of batches for which none is given, 0 to 1; may be set at any time."""
        return self._beta

    @beta.setter
    def beta(self, beta: float) -> None:
        value = as_float("beta", beta)
        if not 0 <= value <= 1:
            raise ValueError(f"beta is {beta}; expected from 0 to 1")
        self._beta = value

    @property
    def max_priority(self) -> float:
        """Largest priority so far, which new transitions get; 1.0 at first."""
        return self._core.max_priority

    @property
    def priorities(self) -> NDArray[np.float64]:
        """Copy of the priorities of all slots, environment by environment, `(capacity,)` float64.

        Zero for slots that cannot be sampled.
        """
        return self._core.priorities()

    @property
    def nbytes(self) -> int:
        """Bytes taken by the slots written so far."""
        return self._core.nbytes

    @property
    def bytes_per_transition(self) -> float:
        """Bytes that a stored step takes: its frame, action and extras, and less than 64 for everything else.

        A finished episode of T steps takes one slot more, for its final frame.
        """
        return self._core.bytes_per_slot

    def stats(self) -> ReplayStats:
        """Counters since the replay was built or cleared; reads every priority."""
        return ReplayStats(*self._core.stats())

    def check(self) -> None:
        """Verifies all invariants, for tests. Reads everything except the frames.

        Every sum of the tree equals that of its children, a slot has a positive priority exactly if its transition can
        be sampled, and each step follows the one before it.

        Raises:
            RuntimeError: an invariant is violated; the message names the first one.
        """
        self._core.check()

    def add(
        self,
        frames: NDArray[Any],
        actions: ArrayLike,
        rewards: ArrayLike,
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
        final_frames: NDArray[Any] | None = None,
        mask: NDArray[np.bool_] | None = None,
        extras: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        """Stores one step of every environment.

        Args:
            frames: `(num_envs, *frame_shape)` of `frame_dtype`, observed before acting.
            actions: `(num_envs, *action_shape)`, converted to `action_dtype`.
            rewards: `(num_envs,)`, received after acting, converted to float32.
            terminated: `(num_envs,)` bool, the episode ended in a terminal state.
            truncated: `(num_envs,)` bool, the episode was cut short and its value is bootstrapped; if both are true,
                the step counts as terminated.
            final_frames: `(num_envs, *frame_shape)` of `frame_dtype`, the last frame of the environments that ended
                (other rows are ignored). Required for truncated ones; without it a terminated environment repeats its
                last frame.
            mask: `(num_envs,)` bool, False skips an environment, as for the reset row of next-step autoreset.
            extras: `(num_envs, *shape)` for each extra field by name, converted to its dtype.

        Raises:
            ValueError: a shape is wrong, a reward or action is not finite, a number does not fit its integer dtype, an
                extra field is missing or unknown, or a truncated environment has no final frame. Nothing is stored
                then.
            TypeError: a dtype is wrong.
        """
        given = extras or {}
        if given.keys() != self._settings.extras.keys():
            raise ValueError(
                f"extras has the fields {sorted(given)}; expected {sorted(self._settings.extras)}"
            )
        given_fields = [actions, *(given[name] for name in self._settings.extras)]
        self._core.add(frames, given_fields, rewards, terminated, truncated, final_frames, mask)

    def cut_episodes(self, mask: NDArray[np.bool_] | None = None) -> None:
        """Ends running episodes to which nothing more will be added, for example after environments were reset.

        The frame of an episode's last step becomes its final frame, the step before counts as truncated, and the last
        action is dropped. The next step begins a new episode. Call it after loading if the environments do not
        continue from the saved state.

        Args:
            mask: `(num_envs,)` bool, the environments whose episodes to end; None means all.

        Raises:
            ValueError: `mask` has the wrong shape.
            TypeError: `mask` is not boolean.
        """
        self._core.cut_episodes(mask)

    def empty_batch(self, batch_size: SupportsIndex) -> Batch:
        """Uninitialized arrays of the shapes and dtypes that `sample` accepts as `out`."""
        return self._acquire(BufferPool(self._settings.batch_fields()), as_integer("batch_size", batch_size))

    @overload
    def sample(
        self,
        batch_size: SupportsIndex,
        beta: float | None = None,
        out: Batch | None = None,
        *,
        shift: SupportsIndex | None = None,
        as_torch: Literal[False] = False,
    ) -> Batch: ...

    @overload
    def sample(
        self,
        batch_size: SupportsIndex,
        beta: float | None = None,
        out: Batch | None = None,
        *,
        shift: SupportsIndex | None = None,
        as_torch: Literal[True],
    ) -> TensorBatch: ...

    @overload
    def sample(
        self,
        batch_size: SupportsIndex,
        beta: float | None = None,
        out: Batch | None = None,
        *,
        shift: SupportsIndex | None = None,
        as_torch: bool,
    ) -> Batch | TensorBatch: ...

    def sample(
        self,
        batch_size: SupportsIndex,
        beta: float | None = None,
        out: Batch | None = None,
        *,
        shift: SupportsIndex | None = None,
        as_torch: bool = False,
    ) -> Batch | TensorBatch:
        """Samples transitions in proportion to their priorities, stratified, with replacement.

        Args:
            batch_size: number of transitions.
            beta: importance-weight exponent, 0 to 1; None uses the replay's `beta`.
            out: arrays to write into, as from `empty_batch(batch_size)`; returned. Otherwise the memory of the batch is
                reused once no array of it, nor a view or tensor of one, is referenced.
            shift: largest random shift in pixels, 0 to the replay's `shift`; None uses the latter.
            as_torch: return a `TensorBatch` that shares the arrays' memory, page-locked if torch finds a GPU.

        Raises:
            ValueError: nothing can be sampled yet, beta, shift or batch_size is out of range, or an array of `out` has
                the wrong shape.
            TypeError: an argument has the wrong type or an array of `out` the wrong dtype.
            ImportError: `as_torch` is true and torch is not installed.
        """
        batch_size = as_integer("batch_size", batch_size)
        if out is None:
            out = self._acquire(self._tensor_pool if as_torch else self._pool, batch_size)
        elif len(out.indices) != batch_size:
            raise ValueError(f"out has {len(out.indices)} transitions; expected batch_size, {batch_size}")
        self._core.sample(self._chosen_beta(beta), self._chosen_shift(shift), *out)
        return to_torch(out) if as_torch else out

    @overload
    def prefetch(
        self,
        batch_size: SupportsIndex,
        depth: SupportsIndex = 2,
        beta: float | None = None,
        *,
        shift: SupportsIndex | None = None,
        as_torch: Literal[False] = False,
    ) -> Prefetch[Batch]: ...

    @overload
    def prefetch(
        self,
        batch_size: SupportsIndex,
        depth: SupportsIndex = 2,
        beta: float | None = None,
        *,
        shift: SupportsIndex | None = None,
        as_torch: Literal[True],
    ) -> Prefetch[TensorBatch]: ...

    @overload
    def prefetch(
        self,
        batch_size: SupportsIndex,
        depth: SupportsIndex = 2,
        beta: float | None = None,
        *,
        shift: SupportsIndex | None = None,
        as_torch: bool,
    ) -> Prefetch[Batch] | Prefetch[TensorBatch]: ...

    def prefetch(
        self,
        batch_size: SupportsIndex,
        depth: SupportsIndex = 2,
        beta: float | None = None,
        *,
        shift: SupportsIndex | None = None,
        as_torch: bool = False,
    ) -> Prefetch[Batch] | Prefetch[TensorBatch]:
        """An endless iterator of batches that a thread gathers while `add` and `update_priorities` are called.

        Args:
            batch_size: number of transitions in a batch.
            depth: batches sampled in advance, 1 to 1024; priorities of a batch are `depth` batches old.
            beta: importance-weight exponent, 0 to 1; None uses the replay's `beta`.
            shift: largest random shift in pixels, 0 to the replay's `shift`; None uses the latter.
            as_torch: return batches as `TensorBatch`; without torch, the first call of `next` raises ImportError.

        Raises:
            ValueError: batch_size or depth is out of range.
            TypeError: an argument has the wrong type.
        """
        batch_size, depth = as_integer("batch_size", batch_size), as_integer("depth", depth)
        _require_positive("batch_size", batch_size)
        if not 1 <= depth <= MAX_DEPTH:
            raise ValueError(f"depth is {depth}; expected from 1 to {MAX_DEPTH}")
        pool = BufferPool(self._settings.batch_fields(), pinned=as_torch)
        core, chosen = (
            _core.replay.Prefetcher(self._core),
            (self._chosen_beta(beta), self._chosen_shift(shift)),
        )
        if as_torch:
            return Prefetch(core, lambda: self._acquire(pool, batch_size), to_torch, depth, *chosen)
        return Prefetch(core, lambda: self._acquire(pool, batch_size), _unchanged, depth, *chosen)

    def update_priorities(self, indices: ArrayLike, td_errors: ArrayLike) -> int:
        """Sets priorities to (|TD error| + epsilon)^alpha; of equal indices the last one counts.

        Args:
            indices: `(B,)` integers from `Batch.indices`.
            td_errors: `(B,)` numbers, raw temporal-difference errors.

        Returns:
            Number of stale updates, which are ignored: the transition was overwritten or can no longer be sampled.

        Raises:
            ValueError: a TD error is not finite, or the shapes differ. No priority changes then.
            IndexError: an index is not a handle of this replay. No priority changes then.
        """
        return self._core.update_priorities(indices, td_errors)

    def clear(self) -> None:
        """Removes every transition and resets the largest priority and the counters; earlier indices become stale."""
        self._core.clear()

    def __getstate__(self) -> dict[str, Any]:
        return {"settings": replace(self._settings, beta=self._beta), "state": self.state_dict()}

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        self._build(settings_of(pickled))
        self.load_state_dict(pickled["state"])

    def _chosen_beta(self, beta: float | None) -> float:
        return self._beta if beta is None else as_float("beta", beta)

    def _chosen_shift(self, shift: SupportsIndex | None) -> int:
        return self._settings.shift if shift is None else as_integer("shift", shift)

    def _acquire(self, pool: BufferPool, batch_size: int) -> Batch:
        _require_positive("batch_size", batch_size)
        obs, action, reward, discount, next_obs, weights, indices, *rest = pool.acquire(batch_size)
        extras = dict(zip(self._settings.extras, rest, strict=True))
        return Batch(obs, action, reward, discount, next_obs, weights, indices, extras)


def _require_positive(name: str, value: int) -> None:
    if value < 1:
        raise ValueError(f"{name} is {value}; expected >= 1")


def _unchanged(batch: Batch) -> Batch:
    return batch
