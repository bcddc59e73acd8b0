"""Checkpoints of a run, written by a second thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from torch import Tensor

from apexline.replay import IncrementalSaver, PrioritizedFrameReplay, ReplaySnapshot
from apexline.training.errors import NonFiniteError, SaveError, first_line
from apexline.training.records import checkpoint

REPLAY = "replay"
"""Folder of the replay in a checkpoint."""


class CheckpointSaver:
    """Writes checkpoints of one moment each: a state, which is copied, and a snapshot of the replay.

    A save that fails, such as on a full disk, is reported and counted; older checkpoints stay whole, and a later save
    may succeed. Call all methods from the thread that adds to the replay, between steps.

    Args:
        run: the run folder.
        replay: the replay of the run.
        keep: number of checkpoints that are kept.
        warn: called with each line about a save that failed, from any thread.

    Attributes:
        failed_saves: saves that failed.
    """

    def __init__(
        self, run: Path, replay: PrioritizedFrameReplay, keep: int, warn: Callable[[str], None]
    ) -> None:
        self.failed_saves = 0
        self._run = run
        self._keep = keep
        self._warn = warn
        self._replay = IncrementalSaver(replay)
        self._thread = ThreadPoolExecutor(1, "saving")
        self._pending: Future[str | None] | None = None

    def load_replay(self, saved: checkpoint.Checkpoint) -> None:
        """Replace the replay's contents by those of a checkpoint.

        Raises:
            ValueError: they are damaged or of another configuration.
            OSError: they cannot be read.
        """
        self._replay.load(saved.path / REPLAY)

    @property
    def is_saving(self) -> bool:
        """Whether a checkpoint is being written."""
        return self._pending is not None and not self._pending.done()

    def save(self, state: Mapping[str, Any]) -> None:
        """Start to write a checkpoint; waits for one that is being written."""
        self._wait()
        copied = _copied(state)
        self._pending = self._thread.submit(self._write, copied, self._replay.snapshot())

    def save_last(self, state: Mapping[str, Any]) -> None:
        """Write a checkpoint and wait for it.

        Raises:
            SaveError: it cannot be written.
        """
        self.save(state)
        if (failure := self._wait()) is not None:
            raise SaveError(f"{self._run}: the state of step {state['steps']} was not saved: {failure}")

    def close(self) -> None:
        """Wait for a checkpoint that is being written and end the thread."""
        self._thread.shutdown(wait=True)

    def _wait(self) -> str | None:
        """Wait for a save in progress; returns why it failed, if it did."""
        pending, self._pending = self._pending, None
        return None if pending is None else pending.result()

    def _write(self, state: Mapping[str, Any], snapshot: ReplaySnapshot) -> str | None:
        def write_replay(folder: Path) -> None:
            (folder / REPLAY).mkdir()
            self._replay.write(snapshot, folder / REPLAY)

        with snapshot:
            try:
                checkpoint.write(self._run, state["steps"], state, keep=self._keep, write_files=write_replay)
            except (OSError, NonFiniteError) as error:
                self.failed_saves += 1
                self._warn(f"no checkpoint saved at step {state['steps']}: {first_line(error)}")
                return first_line(error)
        return None


def _copied(value: Any) -> Any:
    """Nested values with copies of their tensors on the CPU."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, Mapping):
        return {name: _copied(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(part) for part in value]
    return value
