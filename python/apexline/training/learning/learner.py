"""Learning: one update for each batch that the device prefetcher returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.profiler import record_function

from apexline.agent import DDPG, LinearSchedule, Update, make_update
from apexline.replay import PrioritizedFrameReplay, TensorBatch
from apexline.replay.device import DevicePrefetcher
from apexline.training.errors import DivergedError
from apexline.training.learning.diagnosis import diagnose
from apexline.training.learning.schedule import shift_at
from apexline.training.learning.skipped import SkippedUpdates

Metrics = dict[str, float]


class Learner:
    """Updates the agent with batches of a `DevicePrefetcher`, and the replay's priorities with its TD errors.

    Args:
        agent: the agent to update.
        replay: the replay to sample from.
        batch_size: transitions in an update.
        shift: the random shift over updates, in pixels (see `shift_at`), at most the replay's; None: the replay's.
        max_skipped_updates: updates in a row that the agent may skip because they are not finite.
    """

    def __init__(
        self,
        agent: DDPG,
        replay: PrioritizedFrameReplay,
        batch_size: int,
        *,
        shift: LinearSchedule | None = None,
        max_skipped_updates: int = 100,
    ) -> None:
        self.agent = agent
        self.replay = replay
        self.batch_size = batch_size
        self.shift = LinearSchedule(replay.shift) if shift is None else shift
        self.max_skipped_updates = max_skipped_updates
        self.updates = 0
        self.skipped = SkippedUpdates()
        self._batches: DevicePrefetcher | None = None
        self._update: Update | None = None
        self._metric_names: tuple[str, ...] = ()
        self._sums: torch.Tensor | None = None
        """Sums of the metrics of updates that were not skipped, and their number."""

    @property
    def stale_updates(self) -> int:
        """Priority updates that were ignored because their transitions had been overwritten."""
        return 0 if self._batches is None else self._batches.stale_updates

    @property
    def skipped_updates(self) -> int:
        """Updates that the agent skipped because a loss or a gradient was not finite; the last one is counted at the
        next update or `flush`."""
        return self.skipped.total

    @property
    def is_healthy(self) -> bool:
        """Whether the last update was not skipped; waits for it."""
        if self._batches is not None and self._batches.is_pending:
            return not self._batches.is_skipping()
        return self.skipped.in_a_row == 0

    def update(self) -> None:
        """One update; the replay must not be empty.

        Raises:
            DivergedError: `max_skipped_updates` updates in a row were skipped.
        """
        if self._batches is None:
            self._batches = self._prefetcher()
        self._batches.shift = shift_at(self.shift, self.updates)
        with record_function("wait: replay"):
            batch = next(self._batches)
        if self._update is None:
            self._update = make_update(self.agent, batch)
        td_errors, metrics = self._update(batch)
        before = self._batches.skipped_updates
        self._batches.update_priorities(td_errors)
        self.skipped.record(self.updates, is_skipped=self._batches.skipped_updates > before)
        self._accumulate(metrics, td_errors)
        self.updates += 1
        if self.skipped.in_a_row >= self.max_skipped_updates:
            self._check_divergence(batch, metrics)

    def flush(self) -> None:
        """Set the priorities of the last update's TD errors."""
        if self._batches is not None and self._batches.is_pending:
            before = self._batches.skipped_updates
            self._batches.flush()
            self.skipped.record(self.updates, is_skipped=self._batches.skipped_updates > before)

    def state_dict(self) -> dict[str, Any]:
        """Counters, batches in flight and metrics not yet read; not the agent. Tensors are references."""
        return {
            "updates": self.updates,
            "batch_size": self.batch_size,
            "batches": None if self._batches is None else self._batches.state_dict(),
            "metric_names": list(self._metric_names),
            "metric_sums": self._sums,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`, before the first update; batches of another size are dropped.

        Raises:
            KeyError, ValueError: `state` is invalid or of another configuration.
        """
        self.updates = state["updates"]
        self._metric_names = tuple(state["metric_names"])
        sums = state["metric_sums"]
        self._sums = None if sums is None else sums.to(self.agent.device, copy=True)
        if state["batches"] is not None and state["batch_size"] == self.batch_size:
            self._batches = self._prefetcher()
            self._batches.load_state_dict(state["batches"])

    def close(self) -> None:
        """End the prefetch thread; batches sampled ahead are dropped."""
        if self._batches is not None:
            self._batches.close()

    def read_metrics(self) -> Metrics:
        """Mean metrics of the updates since the last call, without skipped ones; empty if there were none.

        Waits for the device once.
        """
        if self._sums is None:
            return {}
        *means, count = torch.cat([self._sums[:-1] / self._sums[-1], self._sums[-1:]]).tolist()
        self._sums = None
        return dict(zip(self._metric_names, means, strict=True)) if count else {}

    def _prefetcher(self) -> DevicePrefetcher:
        return DevicePrefetcher(self.replay, self.batch_size, self.agent.device)

    def _accumulate(self, metrics: Mapping[str, torch.Tensor], td_errors: torch.Tensor) -> None:
        """Add metrics, on the device, unless the update was skipped."""
        self._metric_names = tuple(metrics)
        values = torch.stack([*metrics.values(), torch.ones_like(td_errors[0])])
        values.masked_fill_(td_errors[0].isnan(), 0.0)
        self._sums = values if self._sums is None else self._sums.add_(values)

    def _check_divergence(self, batch: TensorBatch, metrics: Mapping[str, torch.Tensor]) -> None:
        """Raise DivergedError unless the last update was not skipped."""
        self.flush()
        if self.skipped.in_a_row:
            raise DivergedError(
                f"updates {self.skipped.first} to {self.updates} were skipped: {diagnose(self.agent, batch, metrics)}"
            )
