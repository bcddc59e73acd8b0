"""`apexline train`."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import tyro

from apexline.cli.progress import ProgressBar
from apexline.training import InputError, TrainConfig, checkpoint, train
from apexline.training.config import from_dict
from apexline.training.presets import preset


@dataclass(frozen=True)
class TrainCommand:
    """Train an agent on CarRacing-v3 and leave a run folder."""

    config: tyro.conf.OmitArgPrefixes[TrainConfig]
    out: Path | None = None
    """The run folder; must be new or empty. Default: runs/PRESET-DATE-TIME."""
    resume: Path | None = None
    """Go on with the run in this folder; its own configuration is the default of every option."""
    from_: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """Start from the weights of this run folder or checkpoint; everything else starts afresh."""
    render: bool = False
    """Show the first environment in a window (slows it down to real time)."""
