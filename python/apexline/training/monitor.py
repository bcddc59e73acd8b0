"""What happens beside the learning, by the clock: metrics, checkpoints, evaluations."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from apexline.training.acting.collector import Episode
from apexline.training.config.train_config import to_dict
from apexline.training.evaluation.evaluator import Evaluator, PendingReport
from apexline.training.records import checkpoint
from apexline.training.records.metrics import MetricsWriter
from apexline.training.session import Session

RECENT_EPISODES = 20
"""Episodes over which the running score is a mean."""


class Status(NamedTuple):
    """Where a run stands."""

    seconds: float
    """Of training, resumed stretches added up."""
    steps: int
    frames: int
    """Game frames (1/50 s each)."""
    episodes: int
    updates: int
    score: float
    """Mean unshaped score of the latest training episodes, noise included; NaN before the first."""
    eval_score: float
    """Mean of the latest evaluation; NaN before the first."""
    frames_per_second: float
    updates_per_second: float


Watcher = Callable[[Status], None]


@dataclass(frozen=True)
class _Evaluation:
    """An evaluation under way, and the weights that it plays."""

    steps: int
    report: PendingReport
    snapshot: dict[str, object]


class Monitor:
    """Keeps a run's folder up to date; `watch` is told the status whenever metrics are written."""

    def __init__(self, session: Session, folder: Path, watch: Watcher | None = None) -> None:
        options = session.config.monitor
        self.session = session
        self.folder = folder
        self.options = options
        self.watch = watch
        self.best_eval = _best_so_far(folder)
        self.eval_score = math.nan
        self._writer = MetricsWriter(folder)
        self._evaluator = (
            Evaluator(session.config, options.eval_processes, session.config.env)
            if options.eval_steps is not None
            else None
        )
        self._evaluation: _Evaluation | None = None
        self._recent: deque[Episode] = deque(maxlen=RECENT_EPISODES)
        self._next_eval = session.collector.steps + (options.eval_steps or 0)
        self._last_log: Status | None = None
        self._last_checkpoint = 0.0

    def begin(self, seconds: float) -> None:
        """Starts the clock at `seconds`."""
        self._last_log = self._status(seconds)
        self._last_checkpoint = seconds

    def tick(self, seconds: float, episodes: Iterable[Episode]) -> None:
        """Takes in finished episodes and does what is due after `seconds` of training."""
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
        """Evaluates the final weights, waits for evaluations still under way, and logs once more."""
        if self._evaluator is not None:
            self._take_evaluation(seconds)
            self._start_evaluation()
            self._take_evaluation(seconds)
        return self._log(seconds)

    def save(self, seconds: float, *, with_replay: bool = False) -> None:
        """Writes the latest checkpoint; the replay is large, so it goes with the one that ends a stretch alone."""
        self._last_checkpoint = seconds
        state = self.session.state_dict() | {"seconds": seconds}
        # Before the replay too: a checkpoint never goes with a replay of another moment, whenever this is cut short.
        checkpoint.save(self.folder / checkpoint.LATEST, state | {"with_replay": False})
        if with_replay:
            self.session.replay.save(self.folder / checkpoint.REPLAY)
            checkpoint.save(self.folder / checkpoint.LATEST, state | {"with_replay": True})

    def close(self) -> None:
        """Closes files and evaluation processes."""
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
            "charts/frames_per_second": status.frames_per_second,
            "charts/updates_per_second": status.updates_per_second,
            "charts/noise": float(session.collector.noise.scale(status.steps).mean()),
            "replay/size": len(session.replay),
            "replay/max_priority": session.replay.max_priority,
            "replay/stale": session.learner.stale,
            **session.learner.read_metrics(),
        }
        if self._recent:
            row["charts/score"] = status.score
            row["charts/score_best"] = max(episode.score for episode in self._recent)
            row["charts/tiles"] = float(np.mean([episode.tiles for episode in self._recent]))
        self._writer.write(row)
        self._last_log = status
        if self.watch is not None:
            self.watch(status)
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
        self._evaluation = _Evaluation(self.session.collector.steps, report, snapshot)

    def _take_evaluation(self, seconds: float) -> None:
        if self._evaluation is None:
            return
        evaluation, self._evaluation = self._evaluation, None
        summary = evaluation.report.result().summary
        self.eval_score = summary["mean"]
        self._writer.write(
            {
                "time/seconds": seconds,
                "charts/steps": evaluation.steps,
                "eval/score": summary["mean"],
                "eval/score_min": summary["min"],
                "eval/score_max": summary["max"],
            }
        )
        if self.eval_score > self.best_eval:
            self.best_eval = self.eval_score
            checkpoint.save(
                self.folder / checkpoint.BEST,
                evaluation.snapshot | {"eval": summary, "steps": evaluation.steps},
            )


def _best_so_far(folder: Path) -> float:
    """The evaluation of the weights that a resumed run has as its best."""
    path = folder / checkpoint.BEST
    return float(checkpoint.load(path)["eval"]["mean"]) if path.exists() else -math.inf
