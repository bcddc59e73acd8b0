"""`apexline play`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from apexline.cli.parse import check_output, parse
from apexline.racing import Backend
from apexline.training import InputError, Policy, play
from apexline.training.evaluation.gif import GifWriter


@dataclass(frozen=True)
class PlayCommand:
    """Drive one unshaped episode without noise, in a window or into a GIF."""

    run: tyro.conf.Positional[str]
    """The run folder (its best weights, else its latest), a checkpoint, a file of weights, or `pretrained`."""
    seed: int = 1_000_000
    """Seed of the track."""
    env: Backend = "gymnasium"
    """Whose game to play: the stock one, or apexline's own."""
    out: Path | None = None
    """Write an animated GIF here instead of opening a window."""
    every: int = 4
    """Keep one step in this many in the GIF."""


def main(argv: list[str]) -> None:
    """Plays and reports the score."""
    command = parse(PlayCommand, "play", argv)
    if command.every < 1:
        raise InputError(f"every is {command.every}; it must be >= 1")
    if command.seed < 0:
        raise InputError(f"seed is {command.seed}; it must be >= 0")
    if command.out is not None:
        check_output(command.out, ".gif")
    policy = Policy.load(command.run)
    mode: Literal["human", "rgb_array"] = "human" if command.out is None else "rgb_array"
    gif = GifWriter(command.every, policy.config.game.action_repeat)
    result = play(policy, command.seed, backend=command.env, render_mode=mode, on_render=gif.add)
    if command.out is not None:
        gif.save(command.out)
        print(f"wrote {command.out}")
    print(
        f"seed {result.seed}: score {result.score:.1f} in {result.frames} frames, {result.tiles:.0%} of the tiles"
    )
