"""Symmetry: driving in a mirror is driving, with the steering turned round."""

from __future__ import annotations

from apexline.agent.updates import TensorBatch


def mirror_half(batch: TensorBatch) -> TensorBatch:
    """A batch whose transitions 0, 2, 4, ... are mirrored: pictures left to right, their first action negated.

    The first action is to be the steering, and the car to stand in the middle of the picture. A road that bends left
    more often than right, as CarRacing's roads do, then teaches both alike.
    """
    obs, next_obs, action = batch.obs.clone(), batch.next_obs.clone(), batch.action.clone()
    obs[::2] = batch.obs[::2].flip(-1)
    next_obs[::2] = batch.next_obs[::2].flip(-1)
    action[::2, 0] = -batch.action[::2, 0]
    return batch._replace(obs=obs, next_obs=next_obs, action=action)
