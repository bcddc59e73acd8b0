"""Finds values that are not finite."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def first_non_finite(tensors: Iterable[tuple[str, Tensor]]) -> str | None:
    """The name of the first tensor with NaN or infinity, and that value: `actor.output.bias contains nan`."""
    for name, tensor in tensors:
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            values = tensor.flatten()
            return f"{name} contains {values[~torch.isfinite(values)][0].item()}"
    return None
