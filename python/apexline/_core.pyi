from typing import Any, final, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

__version__: str
compiler: str
isa: str

def available_processors() -> int: ...

@final
class SumTree:
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
    def __init__(
        self,
        *,
        capacity: int,
        num_envs: int,
        frame_shape: tuple[int, ...],
        action_shape: tuple[int, ...],
        frame_dtype: DTypeLike,
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
    @property
    def capacity(self) -> int: ...
    @property
    def num_threads(self) -> int: ...
    @property
    def num_eligible(self) -> int: ...
    @property
    def max_priority(self) -> float: ...
    def add(
        self,
        frames: NDArray[Any],
        actions: ArrayLike,
        rewards: ArrayLike,
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
        final_frames: NDArray[Any] | None,
        mask: NDArray[np.bool_] | None,
    ) -> None: ...
    def sample(
        self,
        beta: float,
        obs: NDArray[Any],
        action: NDArray[np.float32],
        reward: NDArray[np.float32],
        discount: NDArray[np.float32],
        next_obs: NDArray[Any],
        weights: NDArray[np.float32],
        indices: NDArray[np.int64],
    ) -> None: ...
    def update_priorities(self, indices: ArrayLike, td_errors: ArrayLike) -> int: ...
    def priorities(self) -> NDArray[np.float64]: ...
    def clear(self) -> None: ...
