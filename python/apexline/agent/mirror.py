"""Symmetry: driving in a mirror is driving, with the steering turned round.

The first action is to be the steering, and the car to stand in the middle of the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from apexline.agent.updates import TensorBatch


def mirror_half(batch: TensorBatch) -> TensorBatch:
    """A batch whose transitions 0, 2, 4, ... are mirrored: pictures left to right, the steering negated.

    A road that bends left more often than right, as CarRacing's roads do, then teaches both alike.
    """
    obs, next_obs, action = batch.obs.clone(), batch.next_obs.clone(), batch.action.clone()
    obs[::2] = batch.obs[::2].flip(-1)
    next_obs[::2] = batch.next_obs[::2].flip(-1)
    action[::2] = _mirrored(batch.action[::2])
    return batch._replace(obs=obs, next_obs=next_obs, action=action)


def symmetric(policy: Callable[[Tensor], Tensor], obs: Tensor) -> Tensor:
    """The mean of what `policy` does, and what it does in the mirror: (B, A) for observations (B, ..., W).

    Mirrored observations get the mirrored actions exactly.
    """
    return (policy(obs) + _mirrored(policy(obs.flip(-1)))) / 2


def _mirrored(action: Tensor) -> Tensor:
    mirrored = action.clone()
    mirrored[:, 0] = -action[:, 0]
    return mirrored
