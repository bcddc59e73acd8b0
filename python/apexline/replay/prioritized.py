"""Prioritized experience replay over frames that are each stored once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from operator import index
from pathlib import Path
from typing import Any, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from apexline import _core
from apexline.replay import state
from apexline.replay.batch import Batch, TensorBatch, to_torch
from apexline.replay.buffer_pool import Arenas, ArraySpec
from apexline.replay.prefetch import Prefetch


class ReplayStats(NamedTuple):
    """What a replay holds and has seen, since it was made or last cleared."""

    size: int
    """Transitions that can be sampled now."""
    episodes: int
    """Episodes that ended."""
    evicted: int
    """Steps that were overwritten by later ones."""
    stale_updates: int
    """Priorities that came too late and were ignored."""
    max_priority: float
    """Largest priority given, which new transitions get."""
    effective_sample_size: float
    """(sum p)^2 / sum p^2 (Kish 1965): `size` where priorities are equal, 1 where one has all; 0 where empty."""


class PrioritizedFrameReplay:
    """Prioritized replay (Schaul et al. 2016) with one ring of frames per environment.

    Every frame is stored once: an episode of T steps takes T + 1 slots. Frame stacks, next observations, n-step
    returns and random shifts are made when a batch is sampled. A start can be sampled exactly while its whole stack
    is stored, its next frame is known and its n-step return is complete or ended; everything else has priority zero.
    A stack never mixes episodes (at a start the first frame repeats) and a return never crosses an episode's end.

    Results depend on the arguments, the seed and the order of calls, not on `num_threads` or the processor. Any number
    of threads may add, sample and update at once: each call takes effect as a whole, batches are gathered side by
    side, and the GIL is released meanwhile. Memory is taken as the replay fills. Pickles with all it holds.

    Args:
        capacity: slots over all environments, rounded down to a multiple of `num_envs`.
        num_envs: environments (lanes) that `add` takes a step of at once.
        frame_shape: shape of one frame; the last two axes are height and width, axes before them are planes.
        action_shape: shape of one action; () for a discrete one.
        frame_dtype: dtype of frames: a boolean, integer or float of up to 8 bytes.
        action_dtype: dtype of actions, likewise: float32 for continuous ones, an integer for discrete ones.
        extras: further fields of a step, as name: (shape, dtype), for example `{"log_prob": ((), np.float32)}`.
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
        MemoryError: the address space does not hold the replay.
    """

    def __init__(
        self,
        *,
        capacity: int,
        num_envs: int,
        frame_shape: tuple[int, ...],
        action_shape: tuple[int, ...],
        frame_dtype: DTypeLike = np.uint8,
        action_dtype: DTypeLike = np.float32,
        extras: Mapping[str, tuple[tuple[int, ...], DTypeLike]] | None = None,
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
        self.frame_shape = _shape("frame_shape", frame_shape)
        self.action_shape = _shape("action_shape", action_shape)
        self.frame_dtype = _number("frame_dtype", frame_dtype)
        self.action_dtype = _number("action_dtype", action_dtype)
        self.extras = {
            name: ArraySpec(_shape(f"extras[{name!r}]", shape), _number(f"extras[{name!r}]", dtype))
            for name, (shape, dtype) in (extras or {}).items()
        }
        for name in self.extras:
            if not isinstance(name, str):
                raise TypeError(f"extras has the name {name!r}; names are strings")
        self.frame_stack = index(frame_stack)
        self.num_envs = index(num_envs)
        self.beta = beta
        """Importance-weight exponent where `sample` is given none; may be set at any time."""
        self.shift = index(shift)
        """Largest random shift in pixels, and that of batches where `sample` is given none."""
        self._options: dict[str, Any] = {
            "capacity": index(capacity),
            "num_envs": self.num_envs,
            "frame_shape": self.frame_shape,
            "frame_dtype": self.frame_dtype,
            "fields": [
                ("action", self.action_shape, self.action_dtype),
                *((name, spec.shape, spec.dtype) for name, spec in self.extras.items()),
            ],
            "frame_stack": self.frame_stack,
            "n_step": index(n_step),
            "gamma": gamma,
            "alpha": alpha,
            "beta": beta,
            "epsilon": epsilon,
            "shift": self.shift,
            "seed": seed,
            "num_threads": num_threads,
        }
        self._core = self._make_core()
        self._arenas = self._make_arenas()

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

    @property
    def nbytes(self) -> int:
        """Bytes that the slots written so far take."""
        return self._core.nbytes

    @property
    def bytes_per_transition(self) -> float:
        """Bytes that a stored step takes: its frame, action and extras, and less than 64 for all else.

        A finished episode of T steps takes a slot more, for its last frame.
        """
        return self._core.bytes_per_slot

    def stats(self) -> ReplayStats:
        """Counters since the replay was made or cleared; reads every priority."""
        return ReplayStats(*self._core.stats())

    def check(self) -> None:
        """Raises RuntimeError that names the first invariant that does not hold; for tests. Reads all but the frames.

        The invariants: every sum of the tree is that of its children, a slot has a priority exactly if its transition
        can be sampled, and each step follows the one before it.
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
            frames: `(num_envs, *frame_shape)` of `frame_dtype`, what was seen before acting.
            actions: `(num_envs, *action_shape)`, what was done; kept as `action_dtype`.
            rewards: `(num_envs,)`, what followed; kept as float32.
            terminated: `(num_envs,)` bool, the episode ended and nothing follows.
            truncated: `(num_envs,)` bool, the episode was cut short and its value goes on; where both are true the
                step counts as terminated.
            final_frames: `(num_envs, *frame_shape)`, the true last frame of the environments that ended (other rows
                are ignored). Required where truncated; a terminated environment without one repeats its last frame.
            mask: `(num_envs,)` bool, False leaves an environment out, as for the reset row of next-step autoreset.
            extras: `(num_envs, *shape)` for each extra field, by name; kept as their dtypes.

        Raises:
            ValueError: a shape is wrong, a reward or action is not finite, a number does not fit its integer dtype, an
                extra field is missing or unknown, or a truncated environment has no final frame. Nothing is stored
                then.
            TypeError: a dtype is wrong.
        """
        given = extras or {}
        if given.keys() != self.extras.keys():
            raise ValueError(f"extras are {sorted(given)}; expected {sorted(self.extras)}")
        fields = [actions, *(given[name] for name in self.extras)]
        self._core.add(frames, fields, rewards, terminated, truncated, final_frames, mask)

    def cut_episodes(self, mask: NDArray[np.bool_] | None = None) -> None:
        """Ends running episodes of which nothing more will be added, as when environments were reset by force.

        The frame of an episode's last step becomes its final frame, the step before counts as truncated, and what was
        done last is forgotten. The next step begins an episode. Call it after loading, where the environments do not
        go on from where they were.

        Args:
            mask: `(num_envs,)` bool, the environments whose episodes to end; None is all.

        Raises:
            ValueError: `mask` has the wrong shape.
            TypeError: `mask` is not boolean.
        """
        self._core.cut_episodes(mask)

    def empty_batch(self, batch_size: int) -> Batch:
        """Uninitialised arrays of the right shapes and dtypes, to hand to `sample` as `out`."""
        return self._batch_from(self._make_arenas(), batch_size)

    @overload
    def sample(
        self,
        batch_size: int,
        beta: float | None = None,
        out: Batch | None = None,
        *,
        shift: int | None = None,
        as_torch: Literal[False] = False,
    ) -> Batch: ...

    @overload
    def sample(
        self,
        batch_size: int,
        beta: float | None = None,
        out: Batch | None = None,
        *,
        shift: int | None = None,
        as_torch: Literal[True],
    ) -> TensorBatch: ...

    def sample(
        self,
        batch_size: int,
        beta: float | None = None,
        out: Batch | None = None,
        *,
        shift: int | None = None,
        as_torch: bool = False,
    ) -> Batch | TensorBatch:
        """Draws transitions in proportion to their priorities, stratified, with replacement.

        Args:
            batch_size: transitions to draw.
            beta: importance-weight exponent, 0 to 1; None takes the replay's own.
            out: arrays to write into, as from `empty_batch(batch_size)`; returned. Without it the batch lies in
                memory that is used again once none of its arrays, nor a view or tensor on them, is held.
            shift: largest random shift in pixels, up to the replay's own; None takes that.
            as_torch: return a `TensorBatch` of tensors that share the arrays' memory.

        Raises:
            ValueError: nothing can be sampled yet, beta, shift or batch_size is out of range, or an array of `out` has
                the wrong shape.
            TypeError: an array of `out` has the wrong dtype.
            ImportError: `as_torch` without torch.
        """
        if out is None:
            out = self._batch_from(self._arenas, batch_size)
        elif len(out.indices) != batch_size:
            raise ValueError(f"out holds {len(out.indices)} transitions; batch_size is {batch_size}")
        self._core.sample(self.beta if beta is None else beta, self.shift if shift is None else shift, *out)
        return to_torch(out) if as_torch else out

    @overload
    def prefetch(
        self, batch_size: int, depth: int = 2, beta: float | None = None, *, as_torch: Literal[False] = False
    ) -> Prefetch[Batch]: ...

    @overload
    def prefetch(
        self, batch_size: int, depth: int = 2, beta: float | None = None, *, as_torch: Literal[True]
    ) -> Prefetch[TensorBatch]: ...

    def prefetch(
        self, batch_size: int, depth: int = 2, beta: float | None = None, *, as_torch: bool = False
    ) -> Prefetch[Batch] | Prefetch[TensorBatch]:
        """An endless iterator of batches that a thread gathers ahead while `add` and `update_priorities` go on.

        Args:
            batch_size: transitions in a batch.
            depth: batches drawn ahead, so how many batches old the priorities behind a batch are; at least 1.
            beta: importance-weight exponent, 0 to 1; None takes the replay's own.
            as_torch: hand out `TensorBatch`es; without torch, the first call of `next` raises ImportError.

        Raises:
            ValueError: batch_size or depth is out of range.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be >= 1")
        if depth < 1:
            raise ValueError(f"depth is {depth}; it must be >= 1")
        arenas = self._make_arenas()
        arguments = (
            _core.replay.Prefetcher(self._core),
            lambda: self._batch_from(arenas, batch_size),
        )
        chosen = self.beta if beta is None else beta
        if as_torch:
            return Prefetch(*arguments, to_torch, depth, chosen, self.shift)
        return Prefetch(*arguments, _unchanged, depth, chosen, self.shift)

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
        """Forgets every transition, the largest priority and the counters; indices given out before are stale."""
        self._core.clear()

    def state_dict(self) -> dict[str, Any]:
        """Everything that decides what the replay does next, in arrays of its own and plain values.

        Holds a copy of all stored frames; `save` does without one.

        Raises:
            IndexError: another thread added so much meanwhile that a slot was overwritten before it was copied.
        """
        return state.state_dict(self._core, self._state_shape())

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Takes over a state, its random streams included; what was held is forgotten.

        The number of threads and gamma, alpha, beta, epsilon and shift stay this replay's own. Batches of an open
        `prefetch` that were drawn before are still handed out; their indices are of the old contents.

        Raises:
            ValueError: the state is of a replay with another capacity, stack, n-step, number of environments, or other
                frames, actions or extras; or it is not whole. Nothing is changed then.
        """
        state.load_state_dict(self._core, self._make_core(), self._state_shape(), saved)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the state to `path`, whole or not at all: a crash on the way leaves an earlier file as it was.

        Raises:
            OSError: the file cannot be written.
            IndexError: another thread added so much meanwhile that a slot was overwritten before it was written.
        """
        state.save(self._core, self._state_shape(), Path(path))

    def load(self, path: str | os.PathLike[str]) -> None:
        """Takes over a state that `save` wrote, as `load_state_dict`. Runs no code from the file.

        Needs memory for both contents until the file has been read whole. Where the environments begin anew, call
        `cut_episodes` next: else their first frames would be taken for the next ones of the saved episodes.

        Raises:
            DamagedFileError: the file is cut short, altered, not a replay's or of another version (a ValueError).
            ValueError: it is of a replay of another shape.
            OSError: it cannot be read. In each case nothing is changed.
        """
        state.load(self._core, self._make_core(), self._state_shape(), Path(path))

    def __getstate__(self) -> dict[str, Any]:
        return {"options": {**self._options, "beta": self.beta}, "state": self.state_dict()}

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        options = dict(pickled["options"])
        (_, action_shape, action_dtype), *extras = options.pop("fields")
        self.__init__(  # type: ignore[misc]
            action_shape=action_shape,
            action_dtype=action_dtype,
            extras={name: (shape, dtype) for name, shape, dtype in extras},
            **options,
        )
        self.load_state_dict(pickled["state"])

    def _make_core(self) -> _core.replay.Replay:
        return _core.replay.Replay(**self._options)

    def _make_arenas(self) -> Arenas:
        stacked = ArraySpec((self.frame_stack, *self.frame_shape), self.frame_dtype)
        single = ArraySpec((), np.dtype(np.float32))
        return Arenas(
            [
                stacked,
                ArraySpec(self.action_shape, self.action_dtype),
                single,
                single,
                stacked,
                single,
                ArraySpec((), np.dtype(np.int64)),
                *self.extras.values(),
            ]
        )

    def _batch_from(self, arenas: Arenas, batch_size: int) -> Batch:
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be >= 1")
        arrays = arenas.arrays(batch_size)
        obs, action, reward, discount, next_obs, weights, indices, *rest = arrays
        extras = dict(zip(self.extras, rest, strict=True))
        return Batch(obs, action, reward, discount, next_obs, weights, indices, extras)

    def _state_shape(self) -> dict[str, Any]:
        """What a state must agree in, as plain values."""
        return {
            "capacity": self.capacity,
            "num_envs": self.num_envs,
            "frame_shape": list(self.frame_shape),
            "frame_dtype": self.frame_dtype.name,
            "action_shape": list(self.action_shape),
            "action_dtype": self.action_dtype.name,
            "extras": [[name, list(spec.shape), spec.dtype.name] for name, spec in self.extras.items()],
            "frame_stack": self.frame_stack,
            "n_step": self._options["n_step"],
        }


def _shape(name: str, shape: Sequence[int]) -> tuple[int, ...]:
    try:
        return tuple(map(index, shape))
    except TypeError:
        raise TypeError(f"{name} is {shape!r}; it must be a sequence of integers") from None


def _number(name: str, dtype: DTypeLike) -> np.dtype[Any]:
    checked = np.dtype(dtype)
    if checked.kind not in "biuf" or checked.itemsize > 8 or not checked.isnative:
        raise ValueError(f"{name} is {checked}; it must be a plain number type of at most 8 bytes")
    return checked


def _unchanged(batch: Batch) -> Batch:
    return batch
