"""Checkpoints written by a second thread: of one moment, and what happens when they cannot be written."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from apexline.replay import PrioritizedFrameReplay
from apexline.training.errors import SaveError
from apexline.training.records import checkpoint
from apexline.training.saving import CheckpointSaver


def make_replay() -> PrioritizedFrameReplay:
    return PrioritizedFrameReplay(capacity=40, num_envs=1, frame_shape=(4,), action_shape=(1,), seed=1)


def add(replay: PrioritizedFrameReplay, steps: int) -> None:
    no = np.zeros(1, bool)
    for step in range(steps):
        replay.add(np.full((1, 4), step, np.uint8), [[0.5]], [float(step)], no, no)


class Saved:
    """A saver of checkpoints of a replay, with what it reported."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.replay = make_replay()
        add(self.replay, 10)
        self.warnings: list[str] = []
        self.saver = CheckpointSaver(run, self.replay, 2, self.warnings.append)

    def newest(self) -> checkpoint.Checkpoint:
        return checkpoint.newest(self.run, warn=pytest.fail)

    def loaded(self) -> PrioritizedFrameReplay:
        replay = make_replay()
        saver = CheckpointSaver(self.run, replay, 2, pytest.fail)
        saver.load_replay(self.newest())
        saver.close()
        return replay


def state_of(steps: int, weights: torch.Tensor) -> dict[str, Any]:
    return {"steps": steps, "agent": {"networks": {"w": weights}}}


def test_a_checkpoint_is_of_the_moment_of_the_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved, weights, may_write = Saved(tmp_path), torch.zeros(3), threading.Event()
    write = checkpoint.write

    def later(*arguments: Any, **options: Any) -> Path:
        may_write.wait()
        return write(*arguments, **options)

    monkeypatch.setattr(checkpoint, "write", later)
    expected = saved.replay.state_dict()
    saved.saver.save(state_of(7, weights))
    assert saved.saver.is_saving
    weights += 1
    add(saved.replay, 10)
    may_write.set()
    saved.saver.close()
    assert saved.newest().steps == 7
    assert torch.equal(saved.newest().state["agent"]["networks"]["w"], torch.zeros(3))
    loaded = saved.loaded()
    assert len(loaded) == len(expected["slots"][0]["rewards"]) - 1
    assert np.array_equal(loaded.priorities, expected["priorities"])


def test_a_save_that_fails_is_counted_and_the_next_one_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = Saved(tmp_path)
    saved.saver.save_last(state_of(1, torch.zeros(1)))

    def full(*_: Any, **__: Any) -> Path:
        raise OSError(28, "No space left on device", "tensors.safetensors")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write", full)
        saved.saver.save(state_of(2, torch.zeros(1)))
        add(saved.replay, 50)  # waits for no snapshot of the failed save
        with pytest.raises(SaveError, match=r"the state of step 3 was not saved: .*No space left"):
            saved.saver.save_last(state_of(3, torch.zeros(1)))
    assert saved.saver.failed_saves == 2
    assert [line.partition(":")[0] for line in saved.warnings] == [
        f"no checkpoint saved at step {step}" for step in (2, 3)
    ]
    assert saved.newest().steps == 1
    saved.saver.save_last(state_of(4, torch.zeros(1)))
    assert saved.newest().steps == 4
    saved.saver.close()


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    saved = Saved(tmp_path)
    saved.saver.save_last(state_of(1, torch.zeros(1)))
    with pytest.raises(SaveError, match=r"step 2 was not saved: .*w contains nan"):
        saved.saver.save_last(state_of(2, torch.tensor([1.0, torch.nan])))
    assert saved.newest().steps == 1
    saved.saver.close()


def test_an_error_of_the_program_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = Saved(tmp_path)

    def broken(*_: Any, **__: Any) -> Path:
        raise AssertionError("broken")

    monkeypatch.setattr(checkpoint, "write", broken)
    saved.saver.save(state_of(1, torch.zeros(1)))
    with pytest.raises(AssertionError, match="broken"):
        saved.saver.save(state_of(2, torch.zeros(1)))
    saved.saver.close()
