"""A trained policy, loaded from a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from apexline.agent import ActorCritic
from apexline.training import checkpoint
from apexline.training.config import TrainConfig, from_dict
from apexline.training.errors import InputError, reason
from apexline.training.evaluate import build_networks


class Policy(NamedTuple):
    """Networks on the CPU, and where they come from."""

    networks: ActorCritic
    config: TrainConfig
    path: Path
    """The checkpoint's file."""
    decisions: int
    """Decisions after which it was saved."""


def load_policy(run: Path) -> Policy:
    """The policy of a run folder (its best, else its latest) or of a checkpoint.

    Raises:
        InputError: there is none, or it cannot be used.
    """
    path = checkpoint.find(run)
    parts = checkpoint.load(path)
    try:
        config = from_dict(json.loads(parts["config"]), str(path))
        networks = build_networks(config)
        networks.load_state_dict(parts["agent"]["networks"])
        return Policy(networks, config, path, parts["decisions"])
    except (KeyError, RuntimeError) as error:
        raise InputError(f"{path}: not a policy of this apexline ({reason(error)})") from error
