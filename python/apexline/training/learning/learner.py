"""Learning: batches go from the replay to the device, TD errors come back as priorities one update later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch.profiler import record_function

from apexline.agent import DDPG, Update, make_update
from apexline.replay import Prefetch, PrioritizedFrameReplay, TensorBatch
from apexline.training.learning.device_prefetcher import Feed
from apexline.training.learning.schedule import shift_after

Metrics = dict[str, float]

GATHERED_AHEAD = 2
"""Batches drawn before they are needed, so that a thread can gather them meanwhile."""
DRAWN_AHEAD = GATHERED_AHEAD + Feed.depth_ahead
"""Updates between drawing a batch and learning from it."""


class _Pending(NamedTuple):
    """TD errors on their way to the host."""

    batch: TensorBatch
    """Held until then: on a GPU the copy out of its memory may still be under way."""
    errors: torch.Tensor
    arrived: torch.cuda.Event | None


class Learner:
    """Updates the agent from batches that a thread gathers ahead, and returns its TD errors to the replay.

    Batch j is drawn at the start of update j - DRAWN_AHEAD, and the errors of update j reach the replay once update
    j + 1 has been issued: on every device, so nothing is waited for and results do not depend on anyone's speed.

    Args:
        agent: what learns.
        replay: what it learns from.
        batch_size: transitions in an update.
        shift_updates: updates over which the replay's random shift falls to 0, as in `shift_after`; 0: it stays.
    """

    def __init__(
        self, agent: DDPG, replay: PrioritizedFrameReplay, batch_size: int, *, shift_updates: int = 0
    ) -> None:
        self.agent = agent
        self.replay = replay
        self.batch_size = batch_size
        self.shift_updates = shift_updates
        self.updates = 0
        self.stale = 0
        self._batches: Prefetch[TensorBatch] | None = None
        self._feed: Feed | None = None
        self._update: Update | None = None
        self._pending: _Pending | None = None
        self._sums: dict[str, torch.Tensor] = {}
        self._summed = 0

    def update(self) -> None:
        """One update; the replay holds something to draw."""
        if self._feed is None or self._batches is None:
            self._batches = self.replay.prefetch(self.batch_size, GATHERED_AHEAD, as_torch=True)
            self._feed = Feed(self._batches, self.agent.device)
        self._batches.shift = shift_after(self.updates, self.replay.shift, self.shift_updates)
        with record_function("wait: replay"):
            fed = next(self._feed)
        if self._update is None:
            self._update = make_update(self.agent, fed.batch)
        errors, metrics = self._update(fed.batch)
        issued = self._send_back(fed.drawn, errors)
        self.flush()
        self._pending = issued
        self._accumulate(metrics)
        self.updates += 1

    def flush(self) -> None:
        """Gives the replay the TD errors that are still on their way."""
        if self._pending is None:
            return
        if self._pending.arrived is not None:
            self._pending.arrived.synchronize()
        with record_function("replay: priorities"):
            self.stale += self.replay.update_priorities(self._pending.batch.indices, self._pending.errors)
        self._pending = None

    def close(self) -> None:
        """Ends the thread that gathers; what it has gathered is dropped."""
        if self._feed is not None:
            self._feed.close()

    def read_metrics(self) -> Metrics:
        """Means over the updates since the last call, empty where there were none; waits for the device once."""
        if not self._summed:
            return {}
        names = list(self._sums)
        means = torch.stack([self._sums[name] for name in names]).div_(self._summed).tolist()
        self._sums.clear()
        self._summed = 0
        return dict(zip(names, means, strict=True))

    def _send_back(self, batch: TensorBatch, errors: torch.Tensor) -> _Pending:
        if errors.device.type == "cpu":
            return _Pending(batch, errors, None)
        host = torch.empty(errors.shape, dtype=errors.dtype, pin_memory=True)
        host.copy_(errors, non_blocking=True)
        arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
        arrived.record()
        return _Pending(batch, host, arrived)

    def _accumulate(self, metrics: Mapping[str, Any]) -> None:
        for name, value in metrics.items():
            if name in self._sums:
                self._sums[name] += value
            else:
                self._sums[name] = value.clone()
        self._summed += 1
