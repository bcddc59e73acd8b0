"""Frame stacks for acting; batches for learning are stacked by the replay."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class FrameStack:
    """The last `depth` frames of each of `num_envs` environments.

    The first frame of an episode is repeated, as in the replay.

    Args:
        num_envs: environments.
        depth: frames in a stack.
    """

    def __init__(self, num_envs: int, depth: int) -> None:
        self.num_envs = num_envs
        self.depth = depth
        self.stacks: NDArray[Any] = np.empty((num_envs, depth, 0), np.uint8)
        """(num_envs, depth, *frame_shape) of the frames' dtype, newest last; updated in place by `push`."""

    def reset(self, frames: NDArray[Any]) -> None:
        """Begin an episode in every environment with its frame of `frames` (num_envs, *frame_shape)."""
        self.stacks = np.repeat(frames[:, None], self.depth, axis=1)

    def push(self, frames: NDArray[Any], begins: NDArray[np.bool_] | None = None) -> None:
        """Append `frames` (num_envs, *frame_shape); in environments of the mask `begins` they begin an episode."""
        self.stacks[:, :-1] = self.stacks[:, 1:]
        self.stacks[:, -1] = frames
        if begins is not None:
            self.stacks[begins] = frames[begins, None]
