"""Estimated memory of a run with a full replay, in bytes.

Replay, batches and networks are exact; the rest is measured or estimated, see each constant.
"""

from __future__ import annotations

from math import prod

import torch

from apexline._core.replay import Replay
from apexline.agent import ActorCritic
from apexline.agent.encoders import ARCHITECTURES
from apexline.agent.precision import DTYPES
from apexline.replay.device import BATCHES_HELD
from apexline.training.config.train_config import TrainConfig
from apexline.training.errors import InputError

MIB = 2**20
GIB = 2**30
FLOAT = 4
"""Bytes of a parameter, and of a component of an action in the replay."""

# Resident memory in preset cpu on x86-64 Linux, Python 3.11, torch 2.13 for the CPU, one thread, 2026-11-23
# (tests/by_hand/training_memory.py). Shared libraries count in every process, so totals are slightly too large.
RUNTIME = 380 * MIB
"""Python with torch and its compiled kernels, gymnasium, matplotlib and TensorBoard."""
EVALUATION = 300 * MIB
"""An evaluation worker process without networks."""
NATIVE_GAME = MIB // 4
"""A native environment with its track and frames."""
SURFACE = 8 * MIB
"""Memory of a native environment to draw frames above 96x96, at most: one for each thread, and such a frame."""
STOCK_GAME = 20 * MIB
"""An environment of gymnasium's game in this process."""
STOCK_PROCESS = 60 * MIB
"""An environment of gymnasium's game in its own process."""

# Not measured: estimates for any GPU.
CUDA_RUNTIME = GIB
"""RAM of CUDA's libraries and context."""
CUDA_WORKSPACE = GIB // 2
"""GPU memory of cuBLAS, cuDNN and captured graphs, apart from tensors."""


def replay_bytes(config: TrainConfig, capacity: int | None = None) -> int:
    """`nbytes` of the full replay, with `capacity` frames or the configured ones."""
    action_bytes = FLOAT * len(config.game.action_bounds[0])
    frame_bytes = prod(config.game.frame_shape)
    return Replay.bytes_for(capacity or config.replay.capacity, config.num_envs, frame_bytes, action_bytes)


def ram_bytes(config: TrainConfig) -> dict[str, int]:
    """RAM of the run by part, without parts of size 0.

    Raises:
        InputError: the configuration's networks cannot be built.
    """
    on_cpu = config.device == "cpu"
    networks = _networks(config)
    state = _state_bytes(networks)
    weights = _training_bytes(networks) if on_cpu else state
    evaluation = 0
    if config.monitor.eval_steps is not None:
        # The snapshot and its pickled copy here; the networks and the copy that they are loaded from in each worker.
        evaluation = 2 * state + config.monitor.eval_processes * (EVALUATION + 2 * state)
    batch = _batch_bytes(config)
    parts = {
        "replay": replay_bytes(config),
        "networks": weights,
        # Pinned memory is allocated in powers of two.
        "batches": BATCHES_HELD * (batch if on_cpu else 1 << batch.bit_length()),
        "activations": _activation_bytes(config) if on_cpu else 0,
        "games": config.num_envs * _game_bytes(config),
        "evaluation": evaluation,
        "runtime": RUNTIME if on_cpu else RUNTIME + CUDA_RUNTIME,
    }
    return {name: size for name, size in parts.items() if size}


def gpu_bytes(config: TrainConfig) -> dict[str, int]:
    """GPU memory of the run by part; empty for a run on the CPU.

    Raises:
        InputError: the configuration's networks cannot be built.
    """
    if config.device == "cpu":
        return {}
    return {
        "networks": _training_bytes(_networks(config)),
        "batches": BATCHES_HELD * _batch_bytes(config),
        "activations": _activation_bytes(config),
        "workspace": CUDA_WORKSPACE,
    }


def _networks(config: TrainConfig) -> ActorCritic:
    """The run's networks on the meta device, without memory for their weights."""
    shape = (config.replay.frame_stack, *config.game.frame_shape)
    low, high = map(torch.from_numpy, config.game.action_bounds)
    try:
        with torch.device("meta"):
            return ActorCritic(config.agent, shape, low, high)
    except ValueError as error:
        raise InputError(str(error)) from error


def _state_bytes(networks: ActorCritic) -> int:
    """Online networks, target networks and weight average."""
    tensors = (*networks.parameters(), *networks.buffers())
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _training_bytes(networks: ActorCritic) -> int:
    """The same, with a gradient and Adam's two moments for each trained parameter."""
    trained = sum(parameter.numel() for parameter in networks.parameters() if parameter.requires_grad)
    return _state_bytes(networks) + 3 * FLOAT * trained


def _batch_bytes(config: TrainConfig) -> int:
    """obs and next_obs uint8; action, reward, discount and weight float32; index int64."""
    pixels = config.replay.frame_stack * prod(config.game.frame_shape)
    return config.learning.batch_size * (2 * pixels + FLOAT * len(config.game.action_bounds[0]) + 20)


def _activation_bytes(config: TrainConfig) -> int:
    """Estimated peak of an update's activations and their gradients.

    Pixels exist as float32 and in the encoder's precision. Each layer's output is kept for the backward pass, with its
    gradient and one temporary copy; a hidden layer of a head has the outputs of Linear, normalization and ReLU.
    """
    agent = config.agent
    precision = DTYPES[agent.precision].itemsize
    *planes, height, width = config.game.frame_shape
    entering = config.replay.frame_stack * prod(planes) * height * width
    maps = 0
    for conv in ARCHITECTURES[agent.encoder]:
        unpooled = conv._replace(pool=1)
        maps += conv.channels * unpooled.output_size(height) * unpooled.output_size(width)
        height, width = conv.output_size(height), conv.output_size(width)
    heads = (1 + agent.num_critics) * ((agent.trunk_features or 0) + sum(agent.hidden))
    sample = entering * (FLOAT + precision) + 3 * precision * maps + 4 * FLOAT * heads
    return max(config.learning.batch_size, config.num_envs) * sample


def _game_bytes(config: TrainConfig) -> int:
    if config.backend == "native":
        return NATIVE_GAME + (SURFACE if config.game.is_scaled_from_surface else 0)
    return STOCK_PROCESS if config.worker_processes else STOCK_GAME
