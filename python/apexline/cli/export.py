"""`apexline export`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from apexline.cli.parse import check_output, parse
from apexline.training import Policy
from apexline.training.evaluation.policy import PRETRAINED, find_policy
from apexline.training.records.weights_file import SUFFIX


@dataclass(frozen=True)
class ExportCommand:
    """Write a run's networks and configuration into one file of weights (safetensors), to share or keep."""

    run: tyro.conf.Positional[str]
    """The run folder (its best weights, else its latest) or a checkpoint."""
    out: Annotated[Path | None, tyro.conf.arg(name="out")] = None
    """The file. Default: policy.safetensors in the run folder, or beside the checkpoint."""


def main(argv: list[str]) -> None:
    """Writes the file and tells its size."""
    command = parse(ExportCommand, "export", argv)
    folder = Path() if command.run == PRETRAINED else find_policy(command.run).parent
    out = command.out or folder / f"policy{SUFFIX}"
    check_output(out, SUFFIX)
    Policy.load(command.run).save(out)
    print(f"wrote {out}, {out.stat().st_size / 1e6:.1f} MB")
