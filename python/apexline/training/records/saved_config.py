"""The configuration of a run as it is saved with its state or weights: JSON in a string."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apexline.training.config.train_config import TrainConfig
from apexline.training.config.validation import from_dict
from apexline.training.errors import InputError


def config_values(saved: Mapping[str, Any], source: Path) -> dict[str, Any]:
    """The configuration under "config" as plain values.

    Raises:
        InputError: there is none; the message begins with `source`.
    """
    try:
        values = json.loads(saved["config"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{source}: contains no configuration") from error
    if not isinstance(values, dict):
        raise InputError(f"{source}: its configuration is {values!r:.40}; expected a JSON object")
    return values


def saved_config(saved: Mapping[str, Any], source: Path) -> TrainConfig:
    """The configuration under "config".

    Raises:
        InputError: there is none, or it is not valid.
    """
    return from_dict(config_values(saved, source), str(source))
