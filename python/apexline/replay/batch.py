"""What a replay hands out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Batch(NamedTuple):
    """B sampled transitions over n steps, as arrays of first axis B."""

    obs: NDArray[Any]
    """Frame stack before acting, `(B, frame_stack, *frame_shape)`, the frames' dtype, newest last."""
    action: NDArray[np.float32]
    """`(B, *action_shape)` float32, in the environment's units."""
    reward: NDArray[np.float32]
    """n-step sum of gamma^i r_i over the k steps really taken, `(B,)` float32."""
    discount: NDArray[np.float32]
    """What the value of `next_obs` is multiplied by: gamma^k, or 0 where the episode terminated, `(B,)` float32."""
    next_obs: NDArray[Any]
    """Frame stack k steps later, same shape and dtype as `obs`."""
    weights: NDArray[np.float32]
    """Importance weights (N P)^-beta over the batch's maximum, `(B,)` float32 in (0, 1]."""
    indices: NDArray[np.int64]
    """Opaque handles for `update_priorities`, `(B,)` int64."""
