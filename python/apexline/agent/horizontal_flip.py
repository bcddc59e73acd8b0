"""Symmetry: driving in a mirror is driving, with the steering turned round.

The first action is to be the steering, and the car to stand in the middle of the image.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from apexline.agent.batch import TensorBatch


def mirror_at_random(batch: TensorBatch, generator: torch.Generator) -> TensorBatch:
    """A batch each of whose transitions is mirrored or not, one as likely as the other.

    Mirrored are the images, left to right, and the steering, negated. A road that bends left more often than right,
    as CarRacing's roads do, then teaches both alike. Chance decides, not the place in the batch: stratified draws come
    in the order of the replay's slots, and a transition would always be seen from the same side.
    """
    size, device = len(batch.action), batch.action.device
    is_mirrored = torch.rand(size, generator=generator, device=device) < 0.5
    chosen = torch.arange(size, device=device) + size * is_mirrored

    def choose(original: Tensor, flipped: Tensor) -> Tensor:
        return torch.cat([original, flipped]).index_select(0, chosen)

    return batch._replace(
        obs=choose(batch.obs, batch.obs.flip(-1)),
        next_obs=choose(batch.next_obs, batch.next_obs.flip(-1)),
        action=choose(batch.action, _mirrored(batch.action)),
    )


def symmetric(policy: Callable[[Tensor], Tensor], obs: Tensor) -> Tensor:
    """The mean of what `policy` does, and what it does in the mirror: (B, A) for observations (B, ..., W).

    Mirrored observations get the mirrored actions exactly.
    """
    return (policy(obs) + _mirrored(policy(obs.flip(-1)))) / 2


def _mirrored(action: Tensor) -> Tensor:
    mirrored = action.clone()
    mirrored[:, 0] = -action[:, 0]
    return mirrored
