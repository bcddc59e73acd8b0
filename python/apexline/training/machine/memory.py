"""What a run needs of memory, told before it starts; too little is an error before anything is allocated.

Figures are bytes and meant for a full replay. The replay, the batches and the networks are exact, the rest is measured
or estimated, as each constant says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod

import torch

from apexline._core.replay import Replay
from apexline.agent import ActorCritic
from apexline.agent.encoders import ARCHITECTURES
from apexline.agent.precision import DTYPES
from apexline.replay.device import BATCHES_HELD
from apexline.training.config.train_config import TrainConfig
from apexline.training.errors import InputError
from apexline.training.machine.free_memory import free_gpu, free_ram, resident

MIB = 2**20
GIB = 2**30
FLOAT = 4
"""Bytes of a parameter, and of an action component in the replay."""

# Resident memory in preset cpu on x86-64 Linux, Python 3.11, torch 2.13 for the CPU, one thread, 2026-11-23
# (tests/by_hand/training_memory.py). Shared libraries count in every process, which makes totals a little large.
RUNTIME = 380 * MIB
"""Python with torch and its compiled kernels, gymnasium, matplotlib and TensorBoard, before anything of a run's own."""
EVALUATION = 300 * MIB
"""A process that plays evaluations, without networks."""
NATIVE_GAME = MIB // 4
"""One of apexline's games with its track and images."""
STOCK_GAME = 20 * MIB
"""One of gymnasium's games in this process."""
STOCK_PROCESS = 60 * MIB
"""One of gymnasium's games in a process of its own."""

# Not measured: estimates for any GPU.
CUDA_RUNTIME = GIB
"""What CUDA's libraries and context take of the machine's memory."""
CUDA_WORKSPACE = GIB // 2
"""What cuBLAS, cuDNN and captured graphs take of the GPU's memory beside the tensors."""


def replay_bytes(config: TrainConfig, capacity: int | None = None) -> int:
    """Bytes of the full replay, as its `nbytes`; of `capacity` frames, or as configured."""
    action_bytes = FLOAT * len(config.game.action_bounds[0])
    frame_bytes = prod(config.game.frame_shape)
    return Replay.bytes_for(capacity or config.replay.capacity, config.num_envs, frame_bytes, action_bytes)


def ram_need(config: TrainConfig) -> dict[str, int]:
    """Bytes of the machine's memory by part; parts that take none are left out.

    Raises:
        InputError: the configuration's networks cannot be built.
    """
    on_cpu = config.device == "cpu"
    networks = _networks(config)
    state = _state_bytes(networks)
    weights = _training_bytes(networks) if on_cpu else state
    evaluation = 0
    if config.monitor.eval_steps is not None:
        # A snapshot of the weights and one on its way; where they arrive, the networks and what they are loaded from.
        evaluation = 2 * state + config.monitor.eval_processes * (EVALUATION + 2 * state)
    batch = _batch_bytes(config)
    parts = {
        "replay": replay_bytes(config),
        "networks": weights,
        # Pinned memory comes in powers of two.
        "batches": BATCHES_HELD * (batch if on_cpu else 1 << batch.bit_length()),
        "activations": _activation_bytes(config) if on_cpu else 0,
        "games": config.num_envs * _game_bytes(config),
        "evaluation": evaluation,
        "runtime": RUNTIME if on_cpu else RUNTIME + CUDA_RUNTIME,
    }
    return {name: size for name, size in parts.items() if size}


def gpu_need(config: TrainConfig) -> dict[str, int]:
    """Bytes of the GPU's memory by part; none for a run on the CPU.

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


def describe_memory(config: TrainConfig) -> str:
    """One line on what a run of `config` needs and what is free.

    Raises:
        InputError: the configuration's networks cannot be built.
    """
    line = f"memory: about {_told(ram_need(config))} of {_gib(free_ram())} GiB free"
    gpu = gpu_need(config)
    if not gpu:
        return line
    free = f" of {_gib(free_gpu())} GiB free" if torch.cuda.is_available() else ""
    return f"{line}; GPU: about {_told(gpu)}{free}"


def check_memory(config: TrainConfig) -> None:
    """Raises InputError, before anything is allocated, where a run would not fit; names what would.

    What this process has loaded already counts as there. Of a GPU that torch does not see nothing is said.
    """
    _check_ram(config)
    if config.device == "cuda" and torch.cuda.is_available():
        _check_gpu(config)


def _check_ram(config: TrainConfig) -> None:
    need = ram_need(config)
    free = free_ram()
    room = free + min(resident(), need["runtime"])
    total = sum(need.values())
    if total <= room:
        return
    capacity = config.replay.capacity
    rest = total - need["replay"]
    smallest = min(
        capacity,
        max(config.learning.batch_size, config.num_envs * (config.replay.frame_stack + config.replay.n_step)),
    )
    fitting = _largest(smallest, capacity, lambda frames: rest + replay_bytes(config, frames) <= room)
    if fitting is None:
        raise InputError(
            f"the run needs {_gib(rest + replay_bytes(config, smallest))} GiB of memory even with "
            f"replay.capacity {smallest} and {_gib(free)} GiB are free; without the replay it takes "
            f"{_told(need | {'replay': 0})}"
        )
    raise InputError(
        f"replay.capacity is {capacity}: the run needs {_gib(total)} GiB of memory and {_gib(free)} GiB are "
        f"free; a capacity of up to {max(smallest, _round_down(fitting))} would fit"
    )


def _check_gpu(config: TrainConfig) -> None:
    need = gpu_need(config)
    free = free_gpu()
    if sum(need.values()) <= free:
        return
    size = config.learning.batch_size

    def of_batch(batch_size: int) -> int:
        return sum(
            gpu_need(replace(config, learning=replace(config.learning, batch_size=batch_size))).values()
        )

    fitting = _largest(1, size, lambda batch_size: of_batch(batch_size) <= free)
    if fitting is None:
        raise InputError(
            f"device is 'cuda': the run needs {_gib(of_batch(1))} GiB of GPU memory even with "
            f"learning.batch_size 1 and {_gib(free)} GiB are free"
        )
    raise InputError(
        f"learning.batch_size is {size}: the run needs {_gib(sum(need.values()))} GiB of GPU memory and "
        f"{_gib(free)} GiB are free; a batch_size of up to {_round_down(fitting)} would fit"
    )


def _largest(low: int, high: int, fits: Callable[[int], bool]) -> int | None:
    """The largest number from `low` to `high` that fits, where all below one that fits do; None where none does."""
    if not fits(low):
        return None
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _round_down(number: int) -> int:
    """To three digits, so that it still fits when a little less is free the next time."""
    unit = int(10 ** max(0, len(str(number)) - 3))
    return number // unit * unit


def _networks(config: TrainConfig) -> ActorCritic:
    """The run's networks without memory for their weights."""
    shape = (config.replay.frame_stack, *config.game.frame_shape)
    low, high = map(torch.from_numpy, config.game.action_bounds)
    try:
        with torch.device("meta"):
            return ActorCritic(config.agent, shape, low, high)
    except ValueError as error:
        raise InputError(str(error)) from error


def _state_bytes(networks: ActorCritic) -> int:
    """Online networks, targets and averages."""
    tensors = (*networks.parameters(), *networks.buffers())
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _training_bytes(networks: ActorCritic) -> int:
    """Those, with a gradient and Adam's two moments for each parameter that is trained."""
    trained = sum(parameter.numel() for parameter in networks.parameters() if parameter.requires_grad)
    return _state_bytes(networks) + 3 * FLOAT * trained


def _batch_bytes(config: TrainConfig) -> int:
    """obs and next_obs uint8, action and four numbers float32 or int64 of each transition."""
    pixels = config.replay.frame_stack * prod(config.game.frame_shape)
    return config.learning.batch_size * (2 * pixels + FLOAT * len(config.game.action_bounds[0]) + 20)


def _activation_bytes(config: TrainConfig) -> int:
    """An update's tensors between the layers, at their peak: an estimate.

    Pixels are there as float32 and in the encoder's precision. Each layer's output is kept for the backward pass,
    with its gradient and one transient copy; of a head's layers the Linear's, the normalisation's and the ReLU's.
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
        return NATIVE_GAME
    return STOCK_PROCESS if config.worker_processes else STOCK_GAME


def _told(parts: Mapping[str, int]) -> str:
    shown = ", ".join(f"{name} {size / GIB:.2f}" for name, size in parts.items() if size)
    return f"{_gib(sum(parts.values()))} GiB ({shown})"


def _gib(size: int) -> str:
    return f"{size / GIB:.1f}"
