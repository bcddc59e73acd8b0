"""Progress of a run, as a share of its budget."""

from __future__ import annotations

import math
import sys
from contextlib import suppress
from types import TracebackType

from tqdm import tqdm

from apexline.cli.output import show
from apexline.training.config.train_config import BudgetConfig
from apexline.training.monitor import Status


class ProgressBar:
    """Shows the used share of the budget, scores, updates/s and frames/s; call it with each Status.

    On a terminal one bar is redrawn; otherwise each status is printed as a line. Output that cannot be written, because
    the terminal or the reader of a pipe is gone, is dropped.
    """

    def __init__(self, budget: BudgetConfig) -> None:
        self._budget = budget
        self._terminal = sys.stderr.isatty()
        self._bar = tqdm(
            total=100.0,
            disable=not self._terminal,
            bar_format="{l_bar}{bar}| {elapsed}{postfix}",
        )

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError, ValueError):
            self._bar.close()

    def log(self, line: str) -> None:
        """Print a line, above the bar if there is one."""
        with suppress(OSError, ValueError):
            self._bar.clear()
        show(line)
        with suppress(OSError, ValueError):
            self._bar.refresh()

    def __call__(self, status: Status) -> None:
        shown = (
            f"score {_or_dash(status.score)}, eval {_or_dash(status.eval_score)}, "
            f"{status.updates_per_second:.1f} updates/s, {status.frames_per_second:.0f} frames/s"
        )
        used = 100 * self._used(status)
        if self._terminal:
            with suppress(OSError, ValueError):
                self._bar.n = used
                self._bar.set_postfix_str(shown)
        else:
            done = f"{status.seconds / 60:5.1f} min, {status.frames} frames, {status.updates} updates"
            show(f"{used:3.0f}%  {done}: {shown}")

    def _used(self, status: Status) -> float:
        budget = self._budget
        limits = (
            (budget.minutes and budget.minutes * 60, status.seconds),
            (budget.total_steps, status.steps),
            (budget.total_frames, status.frames),
            (budget.total_episodes, status.episodes),
        )
        return min(1.0, max((reached / limit for limit, reached in limits if limit), default=0.0))


def _or_dash(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.0f}"
