"""Horizontal-flip augmentation of batches, and averaging a policy over an observation and its flip.

Requires actions whose first component is the steering, and images in which the car stands in the middle.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from apexline.replay import TensorBatch


def random_horizontal_flip(batch: TensorBatch, generator: torch.Generator) -> TensorBatch:
    """Flip each transition with probability 0.5: both images left to right, and the steering negated.

    CarRacing's tracks bend left more often than right; flipped transitions balance the two. Each transition is flipped
    independently of its position in the batch: stratified samples are ordered by replay slot, so a fixed half of the
    batch would always flip the same part of the replay.
    """
    size, device = len(batch.action), batch.action.device
    is_flipped = torch.rand(size, generator=generator, device=device) < 0.5
    chosen = torch.arange(size, device=device) + size * is_flipped

    def choose(original: Tensor, flipped: Tensor) -> Tensor:
        return torch.cat([original, flipped]).index_select(0, chosen)

    return batch._replace(
        obs=choose(batch.obs, batch.obs.flip(-1)),
        next_obs=choose(batch.next_obs, batch.next_obs.flip(-1)),
        action=choose(batch.action, _negate_steering(batch.action)),
    )


def flip_averaged(policy: Callable[[Tensor], Tensor], obs: Tensor) -> Tensor:
    """Mean of `policy`'s actions (B, A) for `obs` (B, ..., W) and, with the steering negated, for the flipped `obs`.

    Flipping `obs` negates the steering of the result exactly.
    """
    return (policy(obs) + _negate_steering(policy(obs.flip(-1)))) / 2


def _negate_steering(action: Tensor) -> Tensor:
    negated = action.clone()
    negated[:, 0] = -action[:, 0]
    return negated
