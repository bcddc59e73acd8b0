"""`apexline export`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from apexline.cli.output import print_warning
from apexline.cli.parse import check_output, parse
from apexline.training import Policy
from apexline.training.evaluation.policy import find_policy, output_folder
from apexline.training.records.weights_file import SUFFIX


@dataclass(frozen=True)
class ExportCommand:
    """Write a run's networks and configuration to one weights file (safetensors)."""

    run: tyro.conf.Positional[str]
    """A run folder (its best weights, else its newest checkpoint), a checkpoint, a weights file, or `pretrained`."""
    out: Path | None = None
    """Weights file; None: policy.safetensors in the run folder or next to the checkpoint, for `pretrained` in the
    working directory."""


def main(argv: list[str]) -> None:
    """Writes the file and prints its size."""
    command = parse(ExportCommand, "export", argv)
    find_policy(command.run)
    out = command.out or output_folder(command.run) / f"policy{SUFFIX}"
    check_output(out, SUFFIX)
    Policy.load(command.run, warn=print_warning).save(out)
    print(f"wrote {out}, {out.stat().st_size / 1e6:.1f} MB")
