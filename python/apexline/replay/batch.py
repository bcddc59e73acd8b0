"""Batches of sampled transitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


class Batch(NamedTuple):
    """B sampled n-step transitions as NumPy arrays with first axis B."""

    obs: NDArray[Any]
    """Frame stack of the step, `(B, frame_stack, *frame_shape)` of `frame_dtype`, newest frame last."""
    action: NDArray[Any]
    """Action of the step, `(B, *action_shape)` of `action_dtype`, in the environment's units."""
    reward: NDArray[np.float32]
    """n-step sum of gamma^i r_i over the k <= n steps until the episode's end, `(B,)` float32."""
    discount: NDArray[np.float32]
    """Factor of the value of `next_obs`: gamma^k, or 0 if the episode terminated, `(B,)` float32."""
    next_obs: NDArray[Any]
    """Frame stack k steps later, same shape and dtype as `obs`."""
    weights: NDArray[np.float32]
    """Importance weights (N P)^-beta divided by the batch's maximum, `(B,)` float32 in (0, 1]."""
    indices: NDArray[np.int64]
    """Opaque handles for `update_priorities`, `(B,)` int64."""
    extras: dict[str, NDArray[Any]]
    """Extra fields of the step by name, each `(B, *shape)` of its dtype."""


class TensorBatch(NamedTuple):
    """The fields of `Batch` as tensors of the same shapes and dtypes.

    `sample` and `prefetch` return CPU tensors that share memory with NumPy arrays (pinned if a GPU is available).
    """

    obs: torch.Tensor
    action: torch.Tensor
    reward: torch.Tensor
    discount: torch.Tensor
    next_obs: torch.Tensor
    weights: torch.Tensor
    indices: torch.Tensor
    extras: dict[str, torch.Tensor]

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """All tensors, those of `extras` last."""
        return (*self[:-1], *self.extras.values())

    def map(self, function: Callable[[torch.Tensor], torch.Tensor]) -> TensorBatch:
        """A batch of `function(tensor)` for every tensor."""
        extras = {name: function(tensor) for name, tensor in self.extras.items()}
        obs, action, reward, discount, next_obs, weights, indices = map(function, self[:-1])
        return TensorBatch(obs, action, reward, discount, next_obs, weights, indices, extras)


def to_torch(batch: Batch) -> TensorBatch:
    """Tensors that share the arrays' memory.

    Raises:
        ImportError: torch is not installed.
    """
    from torch import from_numpy

    obs, action, reward, discount, next_obs, weights, indices = map(from_numpy, batch[:-1])
    extras = {name: from_numpy(array) for name, array in batch.extras.items()}
    return TensorBatch(obs, action, reward, discount, next_obs, weights, indices, extras)
