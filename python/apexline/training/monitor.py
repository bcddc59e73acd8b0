"""Metrics and evaluations during a run."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from apexline.racing import RacingWorkers
from apexline.training.acting.environment_step import Episode
from apexline.training.evaluation.selection import Selection
from apexline.training.records.metrics import MetricsWriter
from apexline.training.saving import CheckpointSaver
from apexline.training.session import Session

RECENT_EPISODES = 20
"""Latest training episodes that the mean score is over."""
DETERMINISTIC_LOG_STEPS = 1_000
"""Agent steps between rows of metrics.csv in a deterministic run that sets no others."""
EMPTY_STATE: Mapping[str, Any] = {
    "recent": [],
    "logged_steps": 0,
    "faults": {},
    "selection": None,
    "metrics": {},
}
"""What `Monitor.state_dict` returns, without contents."""


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
    faults: Mapping[str, int]
    """Number of faults of each kind that the run survived, by the name of their metric without `faults/`."""


StatusCallback = Callable[[Status], None]


class Monitor:
    """Writes metrics to a run folder and evaluates the agent, at intervals of time or steps.

    Args:
        session: the run.
        folder: the run folder.
        saver: of the run's checkpoints, whose failures are reported.
        on_status: called with the status whenever metrics are written.
        warn: called with each line about a fault that does not end the run.
        stopped: whether the run shall end; waits for evaluations end then.
        state: to continue from, as `state_dict` returned it; None: a new run.

    Raises:
        InputError: the metrics or best weights in the folder cannot be continued.
    """

    def __init__(
        self,
        session: Session,
        folder: Path,
        saver: CheckpointSaver,
        *,
        on_status: StatusCallback | None,
        warn: Callable[[str], None],
        stopped: Callable[[], bool],
        state: Mapping[str, Any] | None,
    ) -> None:
        config = session.config
        self.session = session
        self.options = config.monitor
        self._saver = saver
        self._on_status = on_status
        self._stopped = stopped
        self._recent: deque[Episode] = deque(maxlen=RECENT_EPISODES)
        self._log_steps = self.options.log_steps or (
            DETERMINISTIC_LOG_STEPS if config.deterministic else None
        )
        self._logged_steps = 0  # of the latest row
        self._faults_before: Mapping[str, int] = {}
        self._last_log: Status | None = None
        self._selection: Selection | None = None
        self._warn = warn
        self._reported: dict[object, int] = {}
        self._writer = MetricsWriter(folder, warn, None if state is None else state["metrics"])
        try:
            if self.options.eval_steps is not None:
                self._selection = Selection(config, folder, warn)
            if state is not None:
                self._load(state)
        except BaseException:
            self.close()
            raise

    def begin(self, seconds: float) -> None:
        """Start at `seconds` of training; a resumed run first completes what was interrupted at this step."""
        self._last_log = self._status(seconds)
        self.tick(seconds, ())

    def tick(self, seconds: float, episodes: Iterable[Episode]) -> None:
        """Record finished episodes, and evaluate and log what is due after `seconds` of training."""
        self._recent.extend(episodes)
        if isinstance(self.session.collector.envs, RacingWorkers):
            self._report_restarts(self.session.collector.envs)
        if self._selection is not None:
            self._evaluate(self._selection, seconds)
            self._report_restarts(self._selection)
        if self._is_log_due(seconds) and not self._stopped():
            self._log(seconds)

    def finish(self, seconds: float) -> Status:
        """Evaluate the final weights, unless the run was stopped, and log."""
        if self._selection is not None:
            self._record(self._selection.wait(self._stopped), seconds)
            if not self._stopped():
                self._start_evaluation(self._selection)
                self._record(self._selection.wait(self._stopped), seconds)
        return self._log(seconds)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run continues from: recent episodes, evaluations, faults, sizes of the metrics files."""
        return {
            "recent": [list(episode) for episode in self._recent],
            "logged_steps": self._logged_steps,
            "faults": self._faults(),
            "selection": None if self._selection is None else self._selection.state_dict(),
            "metrics": self._writer.state_dict(),
        }

    def close(self) -> None:
        """Close files and evaluation processes."""
        self._writer.close()
        if self._selection is not None:
            self._selection.close()

    def _load(self, state: Mapping[str, Any]) -> None:
        self._recent.extend(Episode(*episode) for episode in state["recent"])
        self._logged_steps = state["logged_steps"]
        self._faults_before = {name: int(count) for name, count in state["faults"].items()}
        if self._selection is not None and state["selection"] is not None:
            self._selection.load_state_dict(state["selection"])

    def _evaluate(self, selection: Selection, seconds: float) -> None:
        waits = self.session.config.deterministic
        self._record(selection.wait(self._stopped) if waits else selection.take(), seconds)
        if not self._stopped() and selection.is_due(self.session.collector.steps):
            self._start_evaluation(selection)
            if waits:
                self._record(selection.wait(self._stopped), seconds)

    def _start_evaluation(self, selection: Selection) -> None:
        session = self.session
        selection.start(
            session.agent.networks.state_dict(), session.collector.steps, session.collector.frames
        )

    def _record(self, row: dict[str, float] | None, seconds: float) -> None:
        if row is not None:
            self._writer.write({"time/seconds": seconds, **row})

    def _report_restarts(self, workers: RacingWorkers | Selection) -> None:
        if workers.restarts > self._reported.get(workers, 0):
            self._reported[workers] = workers.restarts
            self._warn(f"{workers.last_fault}; it was replaced")

    def _is_log_due(self, seconds: float) -> bool:
        if self._log_steps is None:
            return self._last_log is None or seconds - self._last_log.seconds >= self.options.log_seconds
        return self.session.collector.steps // self._log_steps > self._logged_steps // self._log_steps

    def _faults(self) -> dict[str, int]:
        selection, envs = self._selection, self.session.collector.envs
        now = {
            "skipped_updates": self.session.learner.skipped_updates,
            "dropped_steps": self.session.collector.dropped_steps,
            "worker_restarts": envs.restarts if isinstance(envs, RacingWorkers) else 0,
            "evaluation_restarts": 0 if selection is None else selection.restarts,
            "skipped_evaluations": 0 if selection is None else selection.skipped,
            "failed_saves": self._saver.failed_saves + (0 if selection is None else selection.failed_saves),
        }
        return {name: count + self._faults_before.get(name, 0) for name, count in now.items()}

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
            eval_score=math.nan if self._selection is None else self._selection.score,
            steps_per_second=(collector.steps - last.steps) / passed if last and passed else 0.0,
            frames_per_second=(collector.frames - last.frames) / passed if last and passed else 0.0,
            updates_per_second=(learner.updates - last.updates) / passed if last and passed else 0.0,
            faults=self._faults(),
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
            **{f"faults/{name}": count for name, count in status.faults.items()},
            **session.learner.read_metrics(),
        }
        if self._recent:
            row["charts/episodic_return"] = status.score
            row["charts/episodic_return_max"] = max(episode.score for episode in self._recent)
            row["charts/tiles_visited"] = float(np.mean([episode.tiles for episode in self._recent]))
        if status.steps > self._logged_steps:
            self._writer.write(row)
            self._logged_steps = status.steps
        self._last_log = status
        if self._on_status is not None:
            self._on_status(status)
        return status
