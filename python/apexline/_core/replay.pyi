"""Core of apexline.replay."""

from typing import Any, SupportsFloat, SupportsIndex, final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apexline.replay.batch import Batch

class SumTree:
    """Core of `apexline.SumTree`, which documents it."""

    def __init__(self, capacity: int, seed: int = 0) -> None: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: int | np.integer[Any]) -> float:
        """Priority of one index (float), or of an integer array of indices (float64 array of its shape).

        Raises:
            IndexError: an index is out of range.
            TypeError: an index is no integer.
        """
    @overload
    def __getitem__(self, index: NDArray[np.integer[Any]] | list[int]) -> NDArray[np.float64]: ...
    def __setitem__(self, index: ArrayLike, priority: ArrayLike) -> None:
        """Sets one priority or an array of them; of equal indices the last one counts.

        Raises:
            IndexError: an index is out of range.
            ValueError: a priority is NaN, negative or above 1e290, or the shapes differ. Nothing changes then.
            TypeError: an index is no integer or a priority no real number.
        """
    @property
    def seed(self) -> int:
        """Seed of the random stream of `sample`."""
    @property
    def total(self) -> float:
        """Sum of all priorities."""
    def min(self) -> float:
        """Smallest positive priority; reads every leaf.

        Raises:
            ValueError: all priorities are zero.
        """
    def max(self) -> float:
        """Largest priority; reads every leaf.

        Raises:
            ValueError: all priorities are zero.
        """
    def find(self, mass: SupportsFloat) -> int:
        """First index whose cumulative sum is greater than `mass`.

        Raises:
            ValueError: `mass` is negative or not less than the total.
        """
    def sample(self, n: SupportsIndex, out: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Samples n indices in proportion to their priorities, one from each of n equal parts of the total
        (stratified, with replacement).

        Args:
            n: number of indices, at least 1.
            out: int64 array `(n,)` to write into; None allocates one.

        Returns:
            Indices `(n,)` int64, ascending.

        Raises:
            ValueError: n is out of range, all priorities are zero, or `out` has the wrong shape.
            TypeError: `out` has the wrong dtype.
        """
    def clear(self) -> None:
        """Sets all priorities to zero; the random stream continues."""
    def __getstate__(self) -> tuple[int, int, NDArray[np.float64]]: ...
    def __setstate__(self, state: tuple[int, int, NDArray[np.float64]]) -> None: ...

@final
class Replay:
    """Core of `apexline.PrioritizedFrameReplay`, whose methods document it.

    Values of a step other than its frame are fields: the action, then the extras in order.
    """

    def __init__(
        self,
        *,
        capacity: int,
        num_envs: int,
        frame_shape: tuple[int, ...],
        frame_dtype: np.dtype[Any],
        fields: list[tuple[str, tuple[int, ...], np.dtype[Any]]],
        frame_stack: int,
        n_step: int,
        gamma: float,
        alpha: float,
        beta: float,
        epsilon: float,
        shift: int,
        seed: int,
        num_threads: int | None,
    ) -> None: ...
    @staticmethod
    def bytes_for(capacity: int, num_envs: int, frame_bytes: int, field_bytes: int) -> int:
        """`nbytes` of a full replay.

        Args:
            capacity: slots over all environments, rounded down to a multiple of `num_envs`.
            num_envs: environments.
            frame_bytes: bytes of one frame.
            field_bytes: bytes of an action and all extras of one step.

        Raises:
            ValueError: capacity or num_envs is out of range.
        """
    @property
    def capacity(self) -> int: ...
    @property
    def num_threads(self) -> int: ...
    @property
    def num_eligible(self) -> int:
        """Transitions that can be sampled."""
    @property
    def max_priority(self) -> float: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def bytes_per_slot(self) -> float: ...
    def add(
        self,
        frames: NDArray[Any],
        fields: list[ArrayLike],
        rewards: ArrayLike,
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
        final_frames: NDArray[Any] | None,
        mask: NDArray[np.bool_] | None,
    ) -> None: ...
    def cut_episodes(self, mask: NDArray[np.bool_] | None) -> None: ...
    def sample(
        self,
        beta: float,
        shift: int,
        obs: NDArray[Any],
        action: NDArray[Any],
        reward: NDArray[np.float32],
        discount: NDArray[np.float32],
        next_obs: NDArray[Any],
        weights: NDArray[np.float32],
        indices: NDArray[np.int64],
        extras: dict[str, NDArray[Any]],
    ) -> None:
        """Writes a batch into the arrays."""
    def update_priorities(self, indices: ArrayLike, td_errors: ArrayLike) -> int: ...
    def priorities(self) -> NDArray[np.float64]: ...
    def stats(self) -> tuple[int, int, int, int, float, float]:
        """The fields of `ReplayStats`."""
    def state(self) -> dict[str, Any]:
        """Seed, counters, `rings` (head, first, next_in_episode, episodes, evicted per environment) and priorities."""
    def restore(self, state: dict[str, Any]) -> None:
        """Sets a new replay to a state; `write_slots` must follow for all stored slots, then `check`.

        Raises:
            ValueError: the state is invalid.
        """
    def read_slots(
        self, env: int, begin: int, end: int
    ) -> tuple[NDArray[Any], list[NDArray[Any]], NDArray[np.float32], NDArray[np.uint32], NDArray[np.uint8]]:
        """Frames, fields, rewards, steps since the episode's start and flags of positions begin .. end - 1.

        Flags are sums of 1 (terminated), 2 (truncated) and 4 (final frame).

        Raises:
            IndexError: a position is not stored.
        """
    def write_slots(
        self,
        env: int,
        begin: int,
        frames: NDArray[Any],
        fields: list[NDArray[Any]],
        rewards: NDArray[np.float32],
        in_episode: NDArray[np.uint32],
        flags: NDArray[np.uint8],
    ) -> None:
        """Restores slots as `read_slots` returns them."""
    def check(self) -> None:
        """Verifies all invariants.

        Raises:
            RuntimeError: an invariant is violated.
        """
    def swap_contents(self, other: Replay) -> int:
        """Exchanges the contents with another replay of the same configuration; returns their `Snapshot.contents`."""
    def clear(self) -> None: ...

@final
class Prefetcher:
    """Core of `apexline.replay.Prefetch`, whose methods document it."""

    def __init__(self, replay: Replay) -> None: ...
    @property
    def pending(self) -> int:
        """Batches that were requested and not taken."""
    def request(self, beta: float, shift: int, batch: Batch) -> None:
        """Samples a batch now and gathers it into the arrays of `batch` in the background."""
    def gathered(self) -> list[Batch]:
        """Waits until all pending batches are gathered and returns them; they stay pending."""
    def take(self) -> Batch:
        """Waits for the oldest pending batch and returns the object that was passed to `request`."""
    def close(self) -> None:
        """Drops pending batches and ends the thread."""

@final
class Snapshot:
    """The state of a replay at one moment. `add` waits before it overwrites slots that were not released.

    Raises, in all methods:
        ValueError: the snapshot is closed.
        RuntimeError: it was taken in another process, or the contents of the replay were replaced (`has` and `read`).
    """

    def __init__(self, replay: Replay) -> None: ...
    @property
    def contents(self) -> int:
        """Slots at equal positions are equal, except for the last two, in snapshots with the same number."""
    def state(self) -> dict[str, Any]:
        """As `Replay.state`, of that moment."""
    def bounds(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """First position, first of the last two positions, and end, of each environment."""
    def has(self, begin: NDArray[np.int64]) -> bool:
        """Whether no slot from `begin` on, by environment, was released."""
    def read(
        self, begin: NDArray[np.int64], end: NDArray[np.int64]
    ) -> tuple[NDArray[Any], list[NDArray[Any]], NDArray[np.float32], NDArray[np.uint32], NDArray[np.uint8]]:
        """As `Replay.read_slots`, of all environments in turn.

        Raises:
            IndexError: a slot was released or is not part of the snapshot.
        """
    def release(self, begin: NDArray[np.int64]) -> None:
        """Permits overwriting the slots before `begin`."""
    def close(self) -> None:
        """Releases all slots."""
