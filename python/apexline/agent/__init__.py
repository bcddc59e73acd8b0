"""The DDPG agent: networks, exploration noise and updates, as plain functions of tensors.

It depends on neither the replay buffer nor the environments: updates take an `apexline.replay.TensorBatch`.
"""

from __future__ import annotations

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ImportError('apexline.agent needs torch: pip install "apexline[train]"') from error

from apexline.agent.config import AgentConfig, PrecisionName
from apexline.agent.cuda_graph import GraphedPolicy, GraphedUpdate
from apexline.agent.ddpg import DDPG
from apexline.agent.execution import Update, make_policy, make_update
from apexline.agent.layer_summary import LayerInfo, trained_layers
from apexline.agent.networks import ActorCritic, build
from apexline.agent.noise import GaussianNoise, Noise, NoiseConfig, OrnsteinUhlenbeckNoise, make_noise
from apexline.agent.schedule import LinearSchedule
from apexline.agent.updates import update_actor, update_critic

__all__ = [
    "DDPG",
    "ActorCritic",
    "AgentConfig",
    "GaussianNoise",
    "GraphedPolicy",
    "GraphedUpdate",
    "LayerInfo",
    "LinearSchedule",
    "Noise",
    "NoiseConfig",
    "OrnsteinUhlenbeckNoise",
    "PrecisionName",
    "Update",
    "build",
    "make_noise",
    "make_policy",
    "make_update",
    "trained_layers",
    "update_actor",
    "update_critic",
]
