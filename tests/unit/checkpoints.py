"""Small checkpoints, with files as a replay adds them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from apexline.training import InputError
from apexline.training.records import checkpoint


def state(steps: int) -> dict[str, Any]:
    return {
        "config": '{"seed": 3}',
        "agent": {"networks": {"actor.weight": torch.arange(6.0).reshape(2, 3) + steps}, "updates": steps},
        "rng": {"state": 2**127 + steps},
        "in_flight": [(torch.tensor([steps % 256], dtype=torch.uint8), None, float("nan"))],
    }


def replay_files(steps: int) -> Callable[[Path], None]:
    """Writes a file to the folder `replay`, and links that of the checkpoint 10 steps before if there is one."""

    def write(folder: Path) -> None:
        replay = folder / "replay"
        replay.mkdir()
        (replay / f"segment-{steps}").write_bytes(b"frames of step %d" % steps)
        before = folder.parent / f"step-{steps - 10:012}" / "replay" / f"segment-{steps - 10}"
        if before.exists():
            os.link(before, replay / before.name)

    return write


def save(run: Path, steps: int, *, keep: int = 3) -> Path:
    return checkpoint.write(run, steps, state(steps), keep=keep, write_files=replay_files(steps))


def is_whole(found: checkpoint.Checkpoint) -> bool:
    """Whether a checkpoint that was read has the state of its steps."""
    expected = state(found.steps)
    tensor = found.state["agent"]["networks"]["actor.weight"]
    return bool(
        found.state["rng"] == expected["rng"]
        and torch.equal(tensor, expected["agent"]["networks"]["actor.weight"])
        and (found.path / "replay" / f"segment-{found.steps}").read_bytes()
        == b"frames of step %d" % found.steps
    )


def names(run: Path) -> list[str]:
    folder = run / checkpoint.FOLDER
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def refusal(call: Callable[[], object], place: Path) -> str:
    """The message of the InputError that `call` raises, which names `place` and has one line."""
    try:
        value = call()
    except InputError as error:
        message = str(error)
        assert str(place) in message, message
        assert len(message.splitlines()) == 1, message
        return message
    raise AssertionError(f"{place}: accepted as {value}")
