"""Core of apexline.replay."""

from typing import Any, final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apexline.replay.batch import Batch

@final
class SumTree:
    """Priorities and their sums; `apexline.SumTree` documents it."""

    def __init__(self, capacity: int, seed: int = 0) -> None: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: NDArray[np.integer[Any]] | list[int]) -> NDArray[np.float64]: ...
    def __setitem__(self, index: ArrayLike, priority: ArrayLike) -> None: ...
    @property
    def total(self) -> float: ...
    def min(self) -> float: ...
    def max(self) -> float: ...
    def find(self, mass: float) -> int: ...
    def sample(self, n: int, out: NDArray[np.int64] | None = None) -> NDArray[np.int64]: ...
    def clear(self) -> None: ...
    def __getstate__(self) -> tuple[int, int, NDArray[np.float64]]: ...
    def __setstate__(self, state: tuple[int, int, NDArray[np.float64]]) -> None: ...

@final
class Replay:
    """Core of `apexline.PrioritizedFrameReplay`, which documents it."""

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
    def num_eligible(self) -> int: ...
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
    ) -> None: ...
    def update_priorities(self, indices: ArrayLike, td_errors: ArrayLike) -> int: ...
    def priorities(self) -> NDArray[np.float64]: ...
    def stats(self) -> tuple[int, int, int, int, float, float]: ...
    def state(self) -> dict[str, Any]: ...
    def restore(self, state: dict[str, Any]) -> None: ...
    def read_slots(
        self, lane: int, begin: int, end: int
    ) -> tuple[
        NDArray[Any], list[NDArray[Any]], NDArray[np.float32], NDArray[np.uint32], NDArray[np.uint8]
    ]: ...
    def write_slots(
        self,
        lane: int,
        begin: int,
        frames: NDArray[Any],
        fields: list[NDArray[Any]],
        rewards: NDArray[np.float32],
        in_episode: NDArray[np.uint32],
        flags: NDArray[np.uint8],
    ) -> None: ...
    def check(self) -> None: ...
    def swap_contents(self, other: Replay) -> None: ...
    def clear(self) -> None: ...

@final
class Prefetcher:
    """Core of `apexline.replay.Prefetch`, which documents it."""

    def __init__(self, replay: Replay) -> None: ...
    @property
    def pending(self) -> int: ...
    def request(self, beta: float, shift: int, batch: Batch) -> None: ...
    def take(self) -> Batch: ...
    def close(self) -> None: ...
