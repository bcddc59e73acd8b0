"""Running episodes of a checkpoint that are damaged or cannot occur: refused at the resume, in one line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from apexline.cli import main
from apexline.training.records import checkpoint

from ..unit.state_fields import StateFields
from .runs import untrained_run

Episodes = dict[str, Any]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained_run(tmp_path_factory.mktemp("runs") / "run", num_envs=2)


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Changes the state of the run's newest checkpoint, with the digests of the new state; returns its directory."""
    found = checkpoint.newest(folder, warn=pytest.fail)
    change(found.state)
    replay = shutil.copytree(found.path / "replay", folder / "replay")
    return checkpoint.write(
        folder, found.steps, found.state, keep=1, write_files=lambda part: replay.rename(part / "replay")
    )


def hostile(field: str, value: float) -> Callable[[Episodes], None]:
    def change(episodes: Episodes) -> None:
        game, size = episodes["games"][1].numpy(), int(episodes["sizes"][1])
        state = StateFields(game[:size].tobytes())
        state.fields[field].reshape(-1)[-1] = value
        game[:size] = np.frombuffer(state.sealed(), np.uint8)

    return change


def replaced(name: str, value: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Episodes], None]:
    def change(episodes: Episodes) -> None:
        episodes[name] = value(episodes[name])

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (hostile("nodes", 3e38), "cannot restore environment 1: the state cannot occur: its track"),
        (hostile("x", np.nan), "cannot restore environment 1: the state cannot occur: its car"),
        (hostile("random", 2), "cannot restore environment 1: the state cannot occur: its random generator"),
        (replaced("sizes", lambda sizes: sizes - 1), "cannot restore environment 0: the state is truncated"),
        (replaced("sizes", lambda sizes: -sizes), "sizes are -"),
        (replaced("sizes", lambda sizes: sizes + 2**40), "sizes are 1099"),
        (replaced("sizes", lambda sizes: sizes.double()), "games are uint8"),
        (replaced("games", lambda games: games[:1]), "games are uint8 (1, "),
        (replaced("stacks", lambda stacks: stacks[:, :1]), "stacks are uint8 (2, 1, "),
        (replaced("stacks", lambda stacks: stacks.double()), "stacks are float64"),
        (replaced("episode_frames", lambda frames: -1 - frames), "episode_frames are int64 (2,)"),
        (replaced("episode_frames", lambda frames: frames[:1]), "episode_frames are int64 (1,)"),
        (lambda episodes: episodes.pop("stacks"), "stacks"),
    ],
)
def test_a_resume_refuses_impossible_episodes_in_one_line(
    change: Callable[[Episodes], None],
    message: str,
    run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    path = rewrite(folder, lambda state: change(state["collector"]["running_episodes"]))
    assert main(["train", "--resume", str(folder), "--budget.total_frames", "64"]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"apexline: {path}: the checkpoint does not fit this configuration: ")
    assert message in lines[0]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        (("monitor",), [1]),
        (("seconds",), None),
        (("agent", "critic_optimizer"), [1]),
        (("agent", "generator"), "x"),
        (("collector", "running_episodes"), "x"),
        (("collector", "noise"), 3),
        (("learner", "metric_sums"), "x"),
        (("learner", "batches"), [1]),
        (("schedule",), [1]),
        (("rng",), {}),
        (("steps",), "x"),
        (("collector", "steps"), -1),
        (("collector", "learning_starts"), None),
        (("agent", "scaler"), "x"),
        (("agent", "updates"), 1.5),
        (("monitor", "faults"), [1]),
        (("monitor", "faults"), {"failed_saves": "x"}),
        (("monitor", "metrics"), {"sizes": 3, "pending": {}}),
        (("monitor", "recent"), [[1]]),
        (("monitor", "logged_steps"), "x"),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_a_resume_refuses_parts_of_another_type_in_one_line(
    part: tuple[str, ...], value: object, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(run, tmp_path / "run")

    def change(state: dict[str, Any]) -> None:
        for name in part[:-1]:
            state = state[name]
        state[part[-1]] = value

    path = rewrite(folder, change)
    assert main(["train", "--resume", str(folder), "--budget.total_frames", "64"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"apexline: {path}: the checkpoint does not fit this configuration: ")
