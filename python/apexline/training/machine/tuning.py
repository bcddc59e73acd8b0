"""Measures which number of torch threads and which encoder precision make updates fastest on a CPU."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from apexline._core import available_processors
from apexline.agent import DDPG, PrecisionName
from apexline.replay import TensorBatch
from apexline.training.config.train_config import TrainConfig

LIMIT_SECONDS = 4.0
"""Time after which no further round starts; if one update of each choice would take longer, none is measured."""
ROUNDS = 5
"""Rounds over all choices, so that other load affects them equally; medians are compared."""
UPDATES = 3
"""Updates of a choice in a round; fewer if they are slow."""
DROPPED_FROM = 2.0
"""A choice whose best round takes this many times the fastest round so far is dropped from further rounds."""
ADVANTAGE = 1.05
"""Speedup over earlier choices (fewer threads, fp32) that a choice needs to be preferred."""


class Choice(NamedTuple):
    """One combination that is measured."""

    threads: int
    precision: PrecisionName


def tuned(config: TrainConfig, log: Callable[[str], None] | None = None) -> TrainConfig:
    """`config` with `threads` and `agent.precision` set if they were left open.

    On a CPU, updates of a temporary agent are timed with each choice, for LIMIT_SECONDS and one update. If updates are
    too slow for that, the choice is all processors and fp32. Nothing is measured on a GPU, where precision is bf16 and
    one torch thread leaves the processors to environments and replay, and in a deterministic run, which on a CPU uses
    fp32 and one thread.

    Args:
        config: the configuration of the run.
        log: called with a line that announces the measurement.
    """
    if config.threads is not None and config.agent.precision != "auto":
        return config
    if config.device != "cpu" or config.deterministic:
        usual: PrecisionName = "fp32" if config.device == "cpu" else "bf16"
        precision = usual if config.agent.precision == "auto" else config.agent.precision
        return _settled(config, Choice(config.threads or 1, precision))
    choices = list(_choices(config))
    if len(choices) == 1:
        return _settled(config, choices[0])
    if log is not None:
        log(f"measuring which torch threads and precision are fastest, about {LIMIT_SECONDS:.0f} s")
    before = torch.get_num_threads()
    try:
        return _settled(config, fastest(_seconds(config, choices)))
    finally:
        torch.set_num_threads(before)


def fastest(seconds: dict[Choice, float]) -> Choice:
    """The fastest choice; a later one must be ADVANTAGE times as fast as an earlier one."""
    chosen, least = next(iter(seconds.items()))
    for choice, taken in seconds.items():
        if taken * ADVANTAGE < least:
            chosen, least = choice, taken
    return chosen


def _choices(config: TrainConfig) -> Iterator[Choice]:
    """Powers of two of threads up to the processors, and both precisions, unless the configuration sets them."""
    processors = available_processors()
    threads = (
        [config.threads] if config.threads is not None else [2**i for i in range(processors.bit_length())]
    )
    precisions: tuple[PrecisionName, ...] = ("fp32", "bf16")
    for count in threads:
        for precision in precisions if config.agent.precision == "auto" else (config.agent.precision,):
            yield Choice(count, precision)


def _settled(config: TrainConfig, choice: Choice) -> TrainConfig:
    return replace(config, threads=choice.threads, agent=replace(config.agent, precision=choice.precision))


def _seconds(config: TrainConfig, choices: list[Choice]) -> dict[Choice, float]:
    """Median seconds per update of the choices that were not dropped; only the default if updates are too slow."""
    batch = _batch(config)
    agents = {}
    for precision in {choice.precision for choice in choices}:
        agent_config = replace(config.agent, precision=precision)
        agents[precision] = DDPG(agent_config, batch.obs.shape[1:], *config.game.action_bounds)
    for agent in agents.values():
        begin = time.perf_counter()
        agent.update(batch)  # not counted: first use of memory, choice of kernels
        slowest = time.perf_counter() - begin
        if len(choices) * slowest > LIMIT_SECONDS:
            return {next(choice for choice in choices if choice.threads == choices[-1].threads): slowest}
    taken: dict[Choice, list[float]] = {choice: [] for choice in choices}
    fastest_round = math.inf
    deadline = time.perf_counter() + LIMIT_SECONDS
    for _ in range(ROUNDS):
        for choice in reversed(list(taken)):  # many threads first: the slow choices may not fit into the time
            if time.perf_counter() > deadline:
                break
            taken[choice].append(_round(agents[choice.precision], batch, choice.threads))
            fastest_round = min(fastest_round, taken[choice][-1])
        for choice, seconds in list(taken.items()):
            if not seconds or min(seconds) > DROPPED_FROM * fastest_round:
                del taken[choice]
    return {choice: statistics.median(seconds) for choice, seconds in taken.items()}


def _round(agent: DDPG, batch: TensorBatch, threads: int) -> float:
    """Mean seconds of an update."""
    torch.set_num_threads(threads)
    begin = time.perf_counter()
    updates, seconds = 0, 0.0
    while updates < UPDATES and seconds < LIMIT_SECONDS / ROUNDS:
        agent.update(batch)
        updates += 1
        seconds = time.perf_counter() - begin
    return seconds / updates


def _batch(config: TrainConfig) -> TensorBatch:
    """A random batch with the shapes of the run."""
    rng = np.random.default_rng(0)
    size = config.learning.batch_size
    shape = (size, config.replay.frame_stack, *config.game.frame_shape)
    low, high = config.game.action_bounds
    obs, next_obs = (torch.from_numpy(rng.integers(0, 256, shape, np.uint8)) for _ in range(2))
    action = torch.from_numpy(rng.uniform(low, high, (size, len(low))).astype(np.float32))
    reward = torch.from_numpy(rng.standard_normal(size, np.float32))
    return TensorBatch(
        obs=obs,
        action=action,
        reward=reward,
        discount=torch.full((size,), 0.97),
        next_obs=next_obs,
        weights=torch.ones(size),
        indices=torch.arange(size),
        extras={},
    )
