"""`apexline play`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from apexline.cli.output import print_warning
from apexline.cli.parse import LARGEST_SEED, check_output, check_range, parse
from apexline.racing import Backend
from apexline.training import Policy, play
from apexline.training.evaluation.gif import GifWriter


@dataclass(frozen=True)
class PlayCommand:
    """Show one unshaped episode without exploration noise in a window, or record it as a GIF."""

    run: tyro.conf.Positional[str]
    """A run folder (its best weights, else its newest checkpoint), a checkpoint, a weights file, or `pretrained`."""
    seed: int = 1_000_000
    """Seed of the track, >= 0."""
    backend: Backend = "gymnasium"
    """Environment: `gymnasium` (the stock CarRacing-v3) or `native` (C++)."""
    out: Path | None = None
    """Animated GIF to write; None: open a window."""
    every: int = 4
    """Record every n-th agent step, 1 to 1000."""


def main(argv: list[str]) -> None:
    """Runs the episode and prints its score."""
    command = parse(PlayCommand, "play", argv)
    check_range("every", command.every, 1, 1000)
    check_range("seed", command.seed, 0, LARGEST_SEED)
    if command.out is not None:
        check_output(command.out, ".gif")
    policy = Policy.load(command.run, warn=print_warning)
    mode: Literal["human", "rgb_array"] = "human" if command.out is None else "rgb_array"
    gif = GifWriter(command.every, policy.config.game.action_repeat)
    result = play(policy, command.seed, backend=command.backend, render_mode=mode, on_render=gif.add)
    if command.out is not None:
        gif.save(command.out)
        print(f"wrote {command.out}")
    print(
        f"seed {result.seed}: score {result.score:.1f} in {result.frames} frames, {result.tiles:.0%} of the tiles"
    )
