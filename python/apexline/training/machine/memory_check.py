"""Comparison of a run's estimated memory with the free memory, before anything is allocated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch

from apexline.training.config.train_config import TrainConfig
from apexline.training.errors import InputError, first_line
from apexline.training.machine.free_memory import free_gpu, free_ram, resident
from apexline.training.machine.memory_estimate import GIB, gpu_bytes, ram_bytes, replay_bytes


def describe_memory(config: TrainConfig) -> str:
    """One line with the estimated and the free memory.

    Raises:
        InputError: the configuration's networks cannot be built.
    """
    line = f"memory: about {_list(ram_bytes(config))} of {_gib(free_ram())} GiB free"
    gpu = gpu_bytes(config)
    if not gpu:
        return line
    free = f" of {_gib(free_gpu())} GiB free" if torch.cuda.is_available() else ""
    return f"{line}; GPU: about {_list(gpu)}{free}"


def check_memory(config: TrainConfig) -> None:
    """Raise InputError if the run does not fit into free memory; the message suggests a size that fits.

    Memory that this process has already loaded counts as free. A GPU that torch does not see is not checked.
    """
    _check_ram(config)
    if config.device == "cuda" and torch.cuda.is_available():
        _check_gpu(config)


def explain_out_of_memory(config: TrainConfig, error: torch.OutOfMemoryError) -> str:
    """One line with torch's error, the largest parts of the run's estimated GPU memory, and options to change."""
    largest = sorted(gpu_bytes(config).items(), key=lambda part: part[1], reverse=True)
    return (
        f"{first_line(error)} The largest parts of the run, estimated: {_list(dict(largest))}; try a smaller "
        "learning.batch_size or num_envs, smaller agent.hidden, or end other programs on the GPU"
    )


def _check_ram(config: TrainConfig) -> None:
    need = ram_bytes(config)
    free = free_ram()
    room = free + min(resident(), need["runtime"])
    total = sum(need.values())
    if total <= room:
        return
    capacity = config.replay.capacity
    rest = total - need.get("replay", 0)
    smallest = min(
        capacity,
        max(config.learning.batch_size, config.num_envs * (config.replay.frame_stack + config.replay.n_step)),
    )
    fitting = _largest(smallest, capacity, lambda frames: rest + replay_bytes(config, frames) <= room)
    if fitting is None:
        raise InputError(
            f"the run needs {_gib(rest + replay_bytes(config, smallest))} GiB of memory even with "
            f"replay.capacity {smallest} and {_gib(free)} GiB are free; without the replay it needs "
            f"{_list(need | {'replay': 0})}"
        )
    raise InputError(
        f"replay.capacity is {capacity}: the run needs {_gib(total)} GiB of memory and {_gib(free)} GiB are "
        f"free; a capacity of up to {max(smallest, _round_down(fitting))} would fit"
    )


def _check_gpu(config: TrainConfig) -> None:
    need = gpu_bytes(config)
    free = free_gpu()
    if sum(need.values()) <= free:
        return
    size = config.learning.batch_size

    def of_batch(batch_size: int) -> int:
        return sum(
            gpu_bytes(replace(config, learning=replace(config.learning, batch_size=batch_size))).values()
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
    """The largest number from `low` to `high` that fits, by bisection; None if `low` does not."""
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
    """Round down to three digits, so that the number still fits with slightly less free memory."""
    unit = int(10 ** max(0, len(str(number)) - 3))
    return number // unit * unit


def _list(parts: Mapping[str, int]) -> str:
    shown = ", ".join(f"{name} {size / GIB:.2f}" for name, size in parts.items() if size)
    return f"{_gib(sum(parts.values()))} GiB ({shown})"


def _gib(size: int) -> str:
    return f"{size / GIB:.1f}"
