"""The worker processes of an evaluator, and the evaluation that they play."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from multiprocessing import connection
from typing import Any

from apexline import worker_process
from apexline.racing import Backend
from apexline.training.evaluation.report import EpisodeResult
from apexline.training.evaluation.worker import Answer, Arrays, evaluation_worker
from apexline.worker_process import (
    LONGEST_WAIT,
    Patience,
    WorkerGroup,
    WorkerLostError,
    WorkerProcess,
    start_worker,
)


class Evaluation:
    """Groups of episodes that are played with the same weights.

    Args:
        weights: of an ActorCritic.
        groups: seeds of the episodes that are played together.
    """

    def __init__(self, weights: Arrays, groups: Iterable[Sequence[int]]) -> None:
        self.weights = weights
        self.groups = tuple(groups)
        self.futures: tuple[Future[list[EpisodeResult]], ...] = tuple(Future() for _ in self.groups)

    @property
    def is_finished(self) -> bool:
        """Whether every group has its result."""
        return all(future.done() for future in self.futures)

    def fail(self, error: Exception) -> None:
        """End the groups without a result."""
        for future in self.futures:
            if not future.done():
                future.set_exception(error)


class EvaluationPool:
    """Worker processes, started when they are needed. All methods but `stop` are called by one thread.

    Args:
        config: as plain values.
        processes: number of workers.
        backend: which game to play.
        timeout: seconds that a worker may take for a group; None: unlimited.
    """

    def __init__(
        self, config: dict[str, Any], processes: int, backend: Backend, timeout: float | None
    ) -> None:
        self._config = config
        self._processes = processes
        self._backend = backend
        self._timeout = timeout
        self._workers: list[_Worker] = []
        self._running = WorkerGroup()

    @property
    def processes(self) -> tuple[WorkerProcess, ...]:
        """The workers' processes."""
        return tuple(worker.process for worker in self._workers)

    @property
    def is_stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._running.is_stopped

    def lost(self) -> WorkerLostError | None:
        """Remove a worker that has died since the evaluation before; None if there is none."""
        for worker in self._workers:
            if not worker.process.process.is_alive():
                self._workers.remove(worker)
                return worker.process.died()
        return None

    def play(self, evaluation: Evaluation) -> None:
        """Play all groups of `evaluation` that have no result.

        Raises:
            WorkerLostError: a worker died or hung. It was removed; the others still play.
            Exception: the game or the networks raised it in a worker.
        """
        while len(self._workers) < min(self._processes, len(evaluation.groups)):
            self._workers.append(self._start())
        playing = {worker.group for worker in self._workers}
        waiting = deque(
            group
            for group, future in enumerate(evaluation.futures)
            if group not in playing and not future.done()
        )
        while not evaluation.is_finished:
            for worker in self._workers[:]:
                if worker.is_free and waiting:
                    with self._removed_if_lost(worker):
                        worker.play(waiting.popleft(), evaluation)
            busy = [worker for worker in self._workers if not worker.is_free]
            began = time.monotonic()
            answered = connection.wait([worker.process.pipe for worker in busy], LONGEST_WAIT)
            waited = min(time.monotonic() - began, LONGEST_WAIT)
            for worker in busy:
                worker.patience.count(waited)
                if worker.process.pipe in answered or worker.patience.is_used_up:
                    with self._removed_if_lost(worker):
                        worker.take(evaluation, self._timeout)

    def end(self) -> None:
        """Kill the workers; the next evaluation starts new ones."""
        for worker in self._workers:
            worker.process.kill()
        self._workers.clear()

    def stop(self) -> None:
        """Kill the workers without waiting, so that `play` raises; called by any thread."""
        self._running.stop()

    def _start(self) -> _Worker:
        process, pipe = start_worker(
            "apexline evaluation", evaluation_worker, lambda theirs, _: (theirs, self._config, self._backend)
        )
        started = WorkerProcess(process, pipe, self._timeout)
        self._running.add(started)
        limit = None if self._timeout is None else max(self._timeout, worker_process.START_SECONDS)
        return _Worker(started, Patience(limit))

    @contextmanager
    def _removed_if_lost(self, worker: _Worker) -> Iterator[None]:
        try:
            yield
        except WorkerLostError:
            self._workers.remove(worker)
            raise


class _Worker:
    """A worker and what it plays."""

    def __init__(self, process: WorkerProcess, patience: Patience) -> None:
        self.process = process
        self.patience = patience
        """For the answer that it owes."""
        self.group: int | None = None
        """The group of episodes that it plays."""
        self._is_ready = False
        self._evaluation: Evaluation | None = None
        """The evaluation whose weights it has."""

    @property
    def is_free(self) -> bool:
        """Whether it has started and plays nothing."""
        return self._is_ready and self.group is None

    def play(self, group: int, evaluation: Evaluation) -> None:
        """Start a group of episodes."""
        weights = None if self._evaluation is evaluation else evaluation.weights
        self.process.send((weights, evaluation.groups[group]))
        self.group, self._evaluation = group, evaluation
        self.patience.renew()

    def take(self, evaluation: Evaluation, timeout: float | None) -> None:
        """Receive an answer: that it is ready, or the results of its group."""
        answer: Answer = self.process.receive(self.patience)
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            self._is_ready = True
            self.patience = Patience(timeout)
        else:
            assert self.group is not None
            evaluation.futures[self.group].set_result(answer)
            self.group = None
