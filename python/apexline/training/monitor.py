"""Metrics, checkpoints and evaluations during a run."""

from __future__ import annotations

import json
import math
import sys
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from apexline.training.acting.environment_step import Episode
from apexline.training.config.validation import to_dict
from apexline.training.errors import EvaluationWorkerDiedError, InputError
from apexline.training.evaluation.evaluator import Evaluator, PendingReport
from apexline.training.records import checkpoint
from apexline.training.records.metrics import MetricsWriter
from apexline.training.session import Session

RECENT_EPISODES = 20
"""Latest training episodes that the mean score is over."""


class Status(NamedTuple):
    """Progress of a run."""

    seconds: float
    """Wall-clock time of training, summed over resumed stretches."""
    steps: int
    frames: int
    """Game frames (1/50 s each)."""
    episodes: int
    updates: int
    score: float
    """Mean unshaped score of the last RECENT_EPISODES training episodes, with noise; NaN before the first."""
    eval_score: float
    """Mean of the latest evaluation; NaN before the first."""
    steps_per_second: float
    """Of all environments together, since the last log, as the next two."""
    frames_per_second: float
    updates_per_second: float


StatusCallback = Callable[[Status], None]


@dataclass(frozen=True)
class _Evaluation:
    """An evaluation in progress, and the weights that it evaluates."""

    steps: int
    frames: int
    report: PendingReport
    snapshot: dict[str, object]


class Monitor:
    """Writes metrics and checkpoints to a run folder and evaluates the agent, at intervals of time or steps.

    Args:
        session: the run.
        folder: the run folder.
        on_status: called with the status whenever metrics are written.
    """

    def __init__(self, session: Session, folder: Path, on_status: StatusCallback | None = None) -> None:
        options = session.config.monitor
        self.session = session
        self.folder = folder
        self.options = options
        self.on_status = on_status
        self.best_eval = best_so_far(folder)
        self.eval_score = math.nan
        self._writer = MetricsWriter(folder)
        self._evaluator = (
            Evaluator(
                session.config, options.eval_processes, session.config.backend, timeout=options.eval_timeout
            )
            if options.eval_steps is not None
            else None
        )
        self._evaluation: _Evaluation | None = None
        self._recent: deque[Episode] = deque(maxlen=RECENT_EPISODES)
        self._next_eval = session.collector.steps + (options.eval_steps or 0)
        self._last_log: Status | None = None
        self._last_checkpoint = 0.0

    def begin(self, seconds: float) -> None:
        """Start at `seconds` of training."""
        self._last_log = self._status(seconds)
        self._last_checkpoint = seconds

    def tick(self, seconds: float, episodes: Iterable[Episode]) -> None:
        """Record finished episodes; log, evaluate and save what is due after `seconds` of training."""
        self._recent.extend(episodes)
        if self._evaluation is not None and self._evaluation.report.done():
            self._take_evaluation(seconds)
        every = self.options.eval_steps
        if every is not None and self.session.collector.steps >= self._next_eval:
            self._next_eval += every
            if self._evaluation is None:
                self._start_evaluation()
        if self._last_log is None or seconds - self._last_log.seconds >= self.options.log_seconds:
            self._log(seconds)
        if seconds - self._last_checkpoint >= self.options.checkpoint_seconds:
            self.save(seconds)

    def finish(self, seconds: float) -> Status:
        """Wait for an evaluation in progress, evaluate the final weights, and log."""
        if self._evaluator is not None:
            self._take_evaluation(seconds)
            self._start_evaluation()
            self._take_evaluation(seconds)
        return self._log(seconds)

    def save(self, seconds: float, *, with_replay: bool = False) -> None:
        """Write the latest checkpoint, and with `with_replay` the replay, which is large and only saved at the end.

        Nothing is written while updates are skipped, so that the latest checkpoint is of a good state.
        """
        if not self.session.learner.is_healthy:
            return
        self._last_checkpoint = seconds
        state = self.session.state_dict() | {"seconds": seconds}
        # Before the replay too, so that an interruption never leaves a checkpoint with the replay of another step.
        checkpoint.save(self.folder / checkpoint.LATEST, state | {"with_replay": False})
        if with_replay:
            self.session.replay.save(self.folder / checkpoint.REPLAY)
            checkpoint.save(self.folder / checkpoint.LATEST, state | {"with_replay": True})

    def close(self) -> None:
        """Close files and evaluation processes."""
        self._writer.close()
        if self._evaluator is not None:
            self._evaluator.close()

    def _status(self, seconds: float) -> Status:
        collector, learner, last = self.session.collector, self.session.learner, self._last_log
        passed = seconds - last.seconds if last is not None else 0.0
        scores = [episode.score for episode in self._recent]
        return Status(
            seconds=seconds,
            steps=collector.steps,
            frames=collector.frames,
            episodes=collector.episodes,
            updates=learner.updates,
            score=float(np.mean(scores)) if scores else math.nan,
            eval_score=self.eval_score,
            steps_per_second=(collector.steps - last.steps) / passed if last and passed else 0.0,
            frames_per_second=(collector.frames - last.frames) / passed if last and passed else 0.0,
            updates_per_second=(learner.updates - last.updates) / passed if last and passed else 0.0,
        )

    def _log(self, seconds: float) -> Status:
        session, status = self.session, self._status(seconds)
        row = {
            "time/seconds": status.seconds,
            "charts/steps": status.steps,
            "charts/frames": status.frames,
            "charts/episodes": status.episodes,
            "charts/updates": status.updates,
            "charts/SPS": status.steps_per_second,
            "charts/frames_per_second": status.frames_per_second,
            "charts/updates_per_second": status.updates_per_second,
            "charts/noise_sigma": float(session.collector.noise.scale(status.steps).mean()),
            "replay/size": len(session.replay),
            "replay/max_priority": session.replay.max_priority,
            "replay/stale_updates": session.learner.stale_updates,
            **session.learner.read_metrics(),
        }
        if self._recent:
            row["charts/episodic_return"] = status.score
            row["charts/episodic_return_max"] = max(episode.score for episode in self._recent)
            row["charts/tiles_visited"] = float(np.mean([episode.tiles for episode in self._recent]))
        self._writer.write(row)
        self._last_log = status
        if self.on_status is not None:
            self.on_status(status)
        return status

    def _start_evaluation(self) -> None:
        assert self._evaluator is not None
        state = self.session.agent.networks.state_dict()
        networks = {name: value.cpu().clone() for name, value in state.items()}
        snapshot: dict[str, object] = {
            "config": json.dumps(to_dict(self.session.config)),
            "agent": {"networks": networks},
        }
        first = self.options.eval_seed
        seeds = range(first, first + self.options.eval_episodes)
        report = self._evaluator.submit(networks, seeds)
        self._evaluation = _Evaluation(
            self.session.collector.steps, self.session.collector.frames, report, snapshot
        )

    def _take_evaluation(self, seconds: float) -> None:
        if self._evaluation is None:
            return
        evaluation, self._evaluation = self._evaluation, None
        try:
            summary = evaluation.report.result().summary
        except EvaluationWorkerDiedError as error:
            print(f"evaluation of step {evaluation.steps} skipped: {error}", file=sys.stderr)
            return
        self.eval_score = summary["mean"]
        self._writer.write(
            {
                "time/seconds": seconds,
                "charts/steps": evaluation.steps,
                "charts/frames": evaluation.frames,
                "eval/episodic_return": summary["mean"],
                "eval/episodic_return_min": summary["min"],
                "eval/episodic_return_max": summary["max"],
            }
        )
        if self.eval_score > self.best_eval:
            self.best_eval = self.eval_score
            checkpoint.save(
                self.folder / checkpoint.BEST,
                evaluation.snapshot | {"eval": summary, "steps": evaluation.steps},
            )


def best_so_far(folder: Path) -> float:
    """Mean score of the run's best weights so far, -inf if there are none.

    Raises:
        InputError: the file of these weights cannot be used, or has no score.
    """
    path = folder / checkpoint.BEST
    if not path.exists():
        return -math.inf
    try:
        return float(checkpoint.load(path)["eval"]["mean"])
    except InputError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not the best weights of a run; they have no evaluation") from error
