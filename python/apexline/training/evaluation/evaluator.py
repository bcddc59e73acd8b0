"""Evaluation in worker processes, which are replaced when they die or hang."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed

import torch

from apexline.racing import Backend
from apexline.training.config.train_config import TrainConfig
from apexline.training.config.validation import to_dict
from apexline.training.errors import EvaluationWorkerDiedError
from apexline.training.evaluation.pool import Evaluation, EvaluationPool
from apexline.training.evaluation.report import EpisodeResult, EvalReport
from apexline.worker_process import END_SECONDS, WorkerLostError

Weights = Mapping[str, torch.Tensor]

GROUP = 32
"""Native games that a process plays side by side: five times as fast as one after another."""


class Evaluator:
    """Worker processes that play episodes: one at a time on gymnasium's game, `GROUP` side by side on the native one.

    Each uses one torch thread, so scores do not depend on the number of processes. A worker that dies or hangs is
    replaced, and the episodes that it was playing are repeated once. If a worker is lost again in the same evaluation,
    the evaluation is skipped: its PendingReport raises EvaluationWorkerDiedError. The next one starts new workers. No
    method but those of the PendingReport waits for a worker.

    Args:
        config: of the networks and the game.
        processes: number of worker processes.
        backend: which game to play.
        timeout: seconds that a worker may take for the episodes that it plays at a time; None: unlimited.
    """

    def __init__(
        self, config: TrainConfig, processes: int, backend: Backend, *, timeout: float | None = None
    ) -> None:
        self._group = GROUP if backend == "native" else 1
        self._pool = EvaluationPool(to_dict(config), processes, backend, timeout)
        self._waiting: queue.SimpleQueue[Evaluation | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._restarts = 0
        self._skipped = 0
        self._last_fault: str | None = None

    @property
    def restarts(self) -> int:
        """Workers that died or hung and were replaced."""
        return self._restarts

    @property
    def skipped(self) -> int:
        """Evaluations without a result because a worker died or hung twice."""
        return self._skipped

    @property
    def last_fault(self) -> str | None:
        """What the latest lost worker ended by, such as "evaluation worker was killed by SIGKILL"; None: none was."""
        return self._last_fault

    def submit(self, weights: Weights, seeds: Sequence[int]) -> PendingReport:
        """Start one episode for each seed, with a copy of `weights`, an ActorCritic's state. Returns at once."""
        copied = {name: value.detach().cpu().numpy().copy() for name, value in weights.items()}
        groups = [seeds[first : first + self._group] for first in range(0, len(seeds), self._group)]
        evaluation = Evaluation(copied, groups)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="evaluation", daemon=True)
            self._thread.start()
        self._waiting.put(evaluation)
        return PendingReport(evaluation.futures)

    def close(self) -> None:
        """Kill the worker processes; the reports of unfinished evaluations raise EvaluationWorkerDiedError."""
        self._pool.stop()
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join(END_SECONDS)

    def _run(self) -> None:
        """The evaluation thread: evaluates what is submitted, one after another."""
        while (evaluation := self._waiting.get()) is not None:
            try:
                self._evaluate(evaluation)
            except WorkerLostError as error:
                self._pool.end()
                evaluation.fail(EvaluationWorkerDiedError(f"evaluation worker {error}"))
            except Exception as error:  # of the game or the networks
                self._pool.end()
                evaluation.fail(error)
        self._pool.end()

    def _evaluate(self, evaluation: Evaluation) -> None:
        while (lost := self._pool.lost()) is not None:
            self._count(lost)
        is_repeated = False
        while not evaluation.is_finished:
            try:
                self._pool.play(evaluation)
            except WorkerLostError as error:
                if self._pool.is_stopped:
                    raise
                self._count(error)
                if is_repeated:
                    self._skipped += 1
                    raise
                is_repeated = True

    def _count(self, error: WorkerLostError) -> None:
        self._restarts += 1
        self._last_fault = f"evaluation worker {error}"


class PendingReport:
    """An evaluation in progress."""

    def __init__(self, futures: Sequence[Future[list[EpisodeResult]]]) -> None:
        self.futures = tuple(futures)

    def completed(self) -> Iterator[EpisodeResult]:
        """The episodes in order of completion; waits for each.

        Raises:
            EvaluationWorkerDiedError: worker processes died or hung, and the evaluation is skipped.
        """
        for future in as_completed(self.futures):
            yield from future.result()

    def done(self) -> bool:
        """Whether every episode is finished, or the evaluation is skipped."""
        return all(future.done() for future in self.futures)

    def result(self) -> EvalReport:
        """Wait for all episodes and return the report.

        Raises:
            EvaluationWorkerDiedError: worker processes died or hung, and the evaluation is skipped.
        """
        return EvalReport(tuple(episode for future in self.futures for episode in future.result()))
