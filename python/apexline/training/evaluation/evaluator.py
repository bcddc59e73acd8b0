"""Evaluation in worker processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection
from typing import Any

import numpy as np
import torch

from apexline.racing import Backend
from apexline.training.config.train_config import TrainConfig
from apexline.training.config.validation import from_dict, to_dict
from apexline.training.errors import EvaluationWorkerDiedError
from apexline.training.evaluation.play import play, play_parallel
from apexline.training.evaluation.policy import Policy, build_networks
from apexline.training.evaluation.report import EpisodeResult, EvalReport

Weights = Mapping[str, torch.Tensor]

GROUP = 32
"""Native games that a process plays side by side: five times as fast as one after another."""


class Evaluator:
    """A pool of worker processes that play episodes: one at a time on gymnasium's game, `GROUP` side by side on the
    native one.

    Each uses one torch thread, so scores do not depend on the number of processes.

    Args:
        config: of the networks and the game.
        processes: number of worker processes.
        backend: which game to play.
    """

    def __init__(self, config: TrainConfig, processes: int, backend: Backend) -> None:
        self._group = GROUP if backend == "native" else 1
        self._pool = ProcessPoolExecutor(
            processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(to_dict(config), backend),
        )

    def submit(self, weights: Weights, seeds: Sequence[int]) -> PendingReport:
        """Start one episode for each seed, with a copy of `weights`, an ActorCritic's state.

        Raises:
            EvaluationWorkerDiedError: a worker process died since the last call.
        """
        copied = {name: value.detach().cpu().numpy().copy() for name, value in weights.items()}
        groups = [seeds[first : first + self._group] for first in range(0, len(seeds), self._group)]
        with _worker_deaths_raised():
            return PendingReport([self._pool.submit(_play_in_worker, copied, group) for group in groups])

    def close(self) -> None:
        """Cancel episodes that have not begun and end the processes."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class PendingReport:
    """An evaluation in progress."""

    def __init__(self, futures: Sequence[Future[list[EpisodeResult]]]) -> None:
        self.futures = tuple(futures)

    def completed(self) -> Iterator[EpisodeResult]:
        """The episodes in order of completion; waits for each.

        Raises:
            EvaluationWorkerDiedError: a worker process died.
        """
        with _worker_deaths_raised():
            for future in as_completed(self.futures):
                yield from future.result()

    def done(self) -> bool:
        """Whether every episode is finished."""
        return all(future.done() for future in self.futures)

    def result(self) -> EvalReport:
        """Wait for all episodes and return the report.

        Raises:
            EvaluationWorkerDiedError: a worker process died.
        """
        with _worker_deaths_raised():
            return EvalReport(tuple(episode for future in self.futures for episode in future.result()))


@contextmanager
def _worker_deaths_raised() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise EvaluationWorkerDiedError("evaluation worker died (killed or out of memory)") from error


_worker: tuple[Policy, Backend] | None = None
"""The policy and game of this worker process."""


def _start_worker(config_values: dict[str, Any], backend: Backend) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    config = from_dict(config_values)
    _worker = (Policy(build_networks(config), config), backend)


def _end_with_parent() -> None:
    """Exit when the parent is killed, which an executor's process otherwise outlives."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def _play_in_worker(weights: dict[str, np.ndarray[Any, Any]], seeds: Sequence[int]) -> list[EpisodeResult]:
    assert _worker is not None
    policy, backend = _worker
    policy.networks.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    if backend == "native":
        return play_parallel(policy, seeds)
    return [play(policy, seed, backend=backend) for seed in seeds]
