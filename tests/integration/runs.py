"""Runs of a few frames, and the output of a command that refuses its input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from apexline.training import PRESETS, train

Capture = pytest.CaptureFixture[str]


def untrained_run(folder: Path, *, num_envs: int = 1) -> Path:
    """Writes a run folder with untrained weights and two steps of each environment, and returns it."""
    config = PRESETS["cpu"]
    config = replace(
        config,
        threads=1,
        num_envs=num_envs,
        agent=replace(config.agent, precision="fp32"),
        replay=replace(config.replay, capacity=2_000),
        budget=replace(config.budget, minutes=None, total_frames=8 * num_envs),
        monitor=replace(config.monitor, eval_steps=None),
    )
    train(config, folder)
    return folder


def error_line(capture: Capture) -> str:
    """Returns the output on stderr, which must be a single line without a traceback."""
    (line,) = capture.readouterr().err.strip().splitlines()
    assert line.startswith("apexline: ")
    return line
