"""How updates and policies run: eagerly, or as CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from apexline.agent.cuda_graph import Act, GraphedPolicy, GraphedUpdate
from apexline.agent.ddpg import DDPG
from apexline.agent.updates import Metrics
from apexline.replay import TensorBatch

Update = Callable[[TensorBatch], tuple[Tensor, Metrics]]
"""As `DDPG.update`."""
ArrayPolicy = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
"""Actions (num_envs, A) float32 for observations (num_envs, stack, ..., H, W) uint8, both NumPy arrays."""


def make_update(agent: DDPG, example: TensorBatch) -> Update:
    """A `GraphedUpdate` for an agent on CUDA with `config.cuda_graphs`, otherwise `agent.update`."""
    if agent.device.type == "cuda" and agent.config.cuda_graphs:
        return GraphedUpdate(agent, example)
    return agent.update


def make_policy(
    act: Act, num_envs: int, observation_shape: Sequence[int], device: torch.device, *, graphs: bool
) -> ArrayPolicy:
    """`act` as a policy of NumPy arrays: a `GraphedPolicy` on CUDA with `graphs`, otherwise eager.

    Args:
        act: such as `ActorCritic.policy`; it reads the current weights at each call.
        num_envs: observations per call.
        observation_shape: (stack, H, W) or (stack, C, H, W).
        device: where `act` computes.
        graphs: as `AgentConfig.cuda_graphs`.
    """
    if device.type == "cuda" and graphs:
        return GraphedPolicy(act, num_envs, observation_shape, device)

    def eager(observations: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return act(torch.from_numpy(observations).to(device)).cpu().numpy()

    return eager
