"""The DDPG agent: networks, exploration noise and the update, as plain functions of tensors.

It sees finished batches of tensors and knows neither the replay nor the environments.
"""

from __future__ import annotations

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ImportError('apexline.agent needs torch: pip install "apexline[train]"') from error

from apexline.agent.batch import TensorBatch
from apexline.agent.config import AgentConfig, PrecisionName
from apexline.agent.cuda_graph import GraphedPolicy, GraphedUpdate, Update, make_policy, make_update
from apexline.agent.ddpg import DDPG
from apexline.agent.networks import ActorCritic, LayerInfo, build, describe
from apexline.agent.noise import GaussianNoise, Noise, NoiseConfig, OrnsteinUhlenbeckNoise, make_noise
from apexline.agent.updates import update_actor, update_critic

__all__ = [
    "DDPG",
    "ActorCritic",
    "AgentConfig",
    "GaussianNoise",
    "GraphedPolicy",
    "GraphedUpdate",
    "LayerInfo",
    "Noise",
    "NoiseConfig",
    "OrnsteinUhlenbeckNoise",
    "PrecisionName",
    "TensorBatch",
    "Update",
    "build",
    "describe",
    "make_noise",
    "make_policy",
    "make_update",
    "update_actor",
    "update_critic",
]
