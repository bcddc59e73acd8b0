"""`apexline export`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from apexline.cli.parse import check_output, parse
from apexline.training import WEIGHTS, load_policy, save_weights


@dataclass(frozen=True)
class ExportCommand:
    """Write a run's networks and configuration into one file of weights (safetensors), to share or keep."""

    run: tyro.conf.Positional[Path]
    """The run folder (its best weights, else its latest) or a checkpoint."""
    out: Annotated[Path | None, tyro.conf.arg(name="out")] = None
    """The file. Default: policy.safetensors in the run folder, or beside the checkpoint."""


def main(argv: list[str]) -> None:
    """Writes the file and tells its size."""
    command = parse(ExportCommand, "export", argv)
    policy = load_policy(command.run)
    out = command.out or policy.path.with_name(f"policy{WEIGHTS}")
    check_output(out, WEIGHTS)
    save_weights(policy, out)
    print(f"wrote {out}, {out.stat().st_size / 1e6:.1f} MB")
