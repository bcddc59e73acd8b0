"""What an update learns from."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class TensorBatch(NamedTuple):
    """A batch of B transitions on the agent's device."""

    obs: Tensor
    """(B, stack, H, W) or (B, stack, C, H, W) uint8, newest frame last."""
    next_obs: Tensor
    """As obs, n steps later."""
    action: Tensor
    """(B, A) float32, in the environment's units."""
    reward: Tensor
    """(B,) float32: the n-step sum of discounted rewards."""
    discount: Tensor
    """(B,) float32: gamma^k over the k steps summed, 0 where the episode terminated within them."""
    weights: Tensor
    """(B,) float32: importance weights of the loss."""
