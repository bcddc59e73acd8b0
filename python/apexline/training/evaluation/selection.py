"""Evaluations during a run, which select its best weights."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from apexline.training.config.train_config import TrainConfig
from apexline.training.errors import EvaluationWorkerDiedError, InputError, first_line
from apexline.training.evaluation.evaluator import Evaluator, PendingReport
from apexline.training.records import weights_file

POLL_SECONDS = 0.05
"""Time between looks at an evaluation that is waited for, and at a request to stop."""


@dataclass(frozen=True)
class _Evaluation:
    """An evaluation in progress, and the weights that it evaluates."""

    steps: int
    frames: int
    networks: Mapping[str, Tensor]
    report: PendingReport


class Selection:
    """Evaluates weights in worker processes, one evaluation at a time, and writes the best to the run folder.

    An evaluation that fails is skipped and reported; it does not end the run.

    Args:
        config: the configuration of the run, with `monitor.eval_steps`.
        folder: the run folder.
        warn: called with each line about an evaluation or its weights that were not saved.

    Attributes:
        score: mean of the latest evaluation; NaN before the first.
        skipped: evaluations without a result, because workers died or hung or the policy's actions were not finite.
        failed_saves: best weights that could not be written.

    Raises:
        InputError: the best weights in the folder cannot be used.
    """

    def __init__(self, config: TrainConfig, folder: Path, warn: Callable[[str], None]) -> None:
        options = config.monitor
        assert options.eval_steps is not None
        self.score = math.nan
        self._config = config
        self._path = folder / weights_file.BEST
        self._warn = warn
        self._best = best_so_far(folder)
        self._every = self._next = options.eval_steps
        self._seeds = range(options.eval_seed, options.eval_seed + options.eval_episodes)
        self._evaluator = Evaluator(
            config, options.eval_processes, config.backend, timeout=options.eval_timeout
        )
        self._running: _Evaluation | None = None
        self.skipped = 0
        self.failed_saves = 0

    @property
    def restarts(self) -> int:
        """Evaluation workers that died or hung and were replaced."""
        return self._evaluator.restarts

    @property
    def last_fault(self) -> str | None:
        """What the latest of them ended by; None: there was none."""
        return self._evaluator.last_fault

    def is_due(self, steps: int) -> bool:
        """Whether an evaluation is due after `steps` agent steps: True once for each that is, unless one is running."""
        if steps < self._next:
            return False
        self._next += self._every
        return self._running is None

    def start(self, networks: Mapping[str, Tensor], steps: int, frames: int) -> None:
        """Start an evaluation of `networks`, an ActorCritic's state, whose values are copied."""
        copied = {name: value.detach().to("cpu", copy=True) for name, value in networks.items()}
        self._running = _Evaluation(steps, frames, copied, self._evaluator.submit(copied, self._seeds))

    def take(self) -> dict[str, float] | None:
        """Metrics of the evaluation that has finished, as a row; None: none has."""
        if self._running is None or not self._running.report.done():
            return None
        running, self._running = self._running, None
        try:
            summary = running.report.result().summary
        except (EvaluationWorkerDiedError, InputError) as error:
            self.skipped += 1
            self._warn(f"evaluation of step {running.steps} skipped: {error}")
            return None
        self.score = summary["mean"]
        if self.score > self._best:
            self._save(running, summary)
        return {
            "charts/steps": running.steps,
            "charts/frames": running.frames,
            "eval/episodic_return": summary["mean"],
            "eval/episodic_return_min": summary["min"],
            "eval/episodic_return_max": summary["max"],
        }

    def wait(self, stopped: Callable[[], bool]) -> dict[str, float] | None:
        """As `take`, after waiting for a running evaluation, until `stopped` is true."""
        while self._running is not None and not self._running.report.done() and not stopped():
            time.sleep(POLL_SECONDS)
        return self.take()

    def state_dict(self) -> dict[str, Any]:
        """Latest score, next evaluation, and the weights of one that is running."""
        running = self._running
        return {
            "score": None if math.isnan(self.score) else self.score,
            "next": self._next,
            "running": None
            if running is None
            else {"steps": running.steps, "frames": running.frames, "networks": running.networks},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`; an evaluation that was running is repeated."""
        self.score = math.nan if state["score"] is None else state["score"]
        self._next = state["next"]
        if (running := state["running"]) is not None:
            self.start(running["networks"], running["steps"], running["frames"])

    def close(self) -> None:
        """End the worker processes."""
        self._evaluator.close()

    def _save(self, running: _Evaluation, summary: dict[str, float]) -> None:
        try:
            weights_file.save(self._path, running.networks, self._config, running.steps, eval=summary)
        except (InputError, OSError) as error:
            self.failed_saves += 1
            self._warn(f"best weights not saved at step {running.steps}: {first_line(error)}")
        else:
            self._best = summary["mean"]


def best_so_far(folder: Path) -> float:
    """Mean score of the run's best weights so far, -inf if there are none.

    Raises:
        InputError: the file of these weights cannot be used, or has no score.
    """
    path = folder / weights_file.BEST
    if not path.exists():
        return -math.inf
    evaluated = weights_file.load(path).eval
    if evaluated is None or "mean" not in evaluated:
        raise InputError(f"{path}: not the best weights of a run; they have no evaluation")
    return evaluated["mean"]
