"""Learning: one update for each batch that the device prefetcher returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.profiler import record_function

from apexline.agent import DDPG, LinearSchedule, Update, make_update
from apexline.replay import PrioritizedFrameReplay
from apexline.replay.device import DevicePrefetcher
from apexline.training.learning.schedule import shift_at

Metrics = dict[str, float]


class Learner:
    """Updates the agent with batches of a `DevicePrefetcher`, and the replay's priorities with its TD errors.

    Args:
        agent: the agent to update.
        replay: the replay to sample from.
        batch_size: transitions in an update.
        shift: the random shift over updates, in pixels (see `shift_at`), at most the replay's; None: the replay's.
    """

    def __init__(
        self,
        agent: DDPG,
        replay: PrioritizedFrameReplay,
        batch_size: int,
        *,
        shift: LinearSchedule | None = None,
    ) -> None:
        self.agent = agent
        self.replay = replay
        self.batch_size = batch_size
        self.shift = LinearSchedule(replay.shift) if shift is None else shift
        self.updates = 0
        self._batches: DevicePrefetcher | None = None
        self._update: Update | None = None
        self._sums: dict[str, torch.Tensor] = {}
        self._summed = 0

    @property
    def stale_updates(self) -> int:
        """Priority updates that were ignored because their transitions had been overwritten."""
        return 0 if self._batches is None else self._batches.stale_updates

    def update(self) -> None:
        """One update; the replay must not be empty."""
        if self._batches is None:
            self._batches = DevicePrefetcher(self.replay, self.batch_size, self.agent.device)
        self._batches.shift = shift_at(self.shift, self.updates)
        with record_function("wait: replay"):
            batch = next(self._batches)
        if self._update is None:
            self._update = make_update(self.agent, batch)
        td_errors, metrics = self._update(batch)
        self._batches.update_priorities(td_errors)
        self._accumulate(metrics)
        self.updates += 1

    def flush(self) -> None:
        """Set the priorities of the last update's TD errors."""
        if self._batches is not None:
            self._batches.flush()

    def close(self) -> None:
        """End the prefetch thread; batches sampled ahead are dropped."""
        if self._batches is not None:
            self._batches.close()

    def read_metrics(self) -> Metrics:
        """Mean metrics of the updates since the last call, empty if there were none; waits for the device once."""
        if not self._summed:
            return {}
        names = list(self._sums)
        means = torch.stack([self._sums[name] for name in names]).div_(self._summed).tolist()
        self._sums.clear()
        self._summed = 0
        return dict(zip(names, means, strict=True))

    def _accumulate(self, metrics: Mapping[str, Any]) -> None:
        for name, value in metrics.items():
            if name in self._sums:
                self._sums[name] += value
            else:
                self._sums[name] = value.clone()
        self._summed += 1
