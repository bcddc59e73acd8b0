"""Trained policies: from a run, from a file of weights, and the one that comes with the package."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from apexline.agent import ActorCritic
from apexline.training.config.train_config import TrainConfig, from_dict, to_dict
from apexline.training.errors import InputError, reason
from apexline.training.evaluation.evaluate import build_networks
from apexline.training.records import checkpoint

PRETRAINED = "pretrained"
"""Names the policy that comes with the package."""
WEIGHTS = ".safetensors"
"""Suffix of a file of weights: small, portable, and nothing in it can run."""
FORMAT = {"format": "apexline policy", "version": "2"}


class Policy(NamedTuple):
    """Networks on the CPU, and where they come from."""

    networks: ActorCritic
    config: TrainConfig
    path: Path
    """The file."""
    steps: int
    """Steps after which it was saved."""


def load_policy(source: Path) -> Policy:
    """The policy of a run folder (its best, else its latest), a checkpoint or a file of weights, or `pretrained`.

    Raises:
        InputError: there is none, or it cannot be used.
    """
    path = find_policy(source)
    try:
        config, state, steps = _read_weights(path) if path.suffix == WEIGHTS else _read_checkpoint(path)
        networks = build_networks(config)
        networks.load_state_dict(state)
        return Policy(networks, config, path, steps)
    except (KeyError, RuntimeError) as error:
        raise InputError(f"{path}: not a policy of this apexline ({reason(error)})") from error


def save_weights(policy: Policy, path: Path) -> None:
    """Writes networks, configuration and the number of steps to `path`, at once or not at all."""
    beside = path.with_name(path.name + ".part")
    tensors = {name: tensor.contiguous() for name, tensor in policy.networks.state_dict().items()}
    metadata = {"config": json.dumps(to_dict(policy.config)), "steps": str(policy.steps)}
    beside.write_bytes(save(tensors, FORMAT | metadata))
    beside.replace(path)


def find_policy(source: Path) -> Path:
    """The file that `source` names.

    Raises:
        InputError: there is none.
    """
    if source == Path(PRETRAINED) and not source.exists():
        return Path(str(files("apexline.training.evaluation") / f"{PRETRAINED}{WEIGHTS}"))
    return checkpoint.find(source)


def _read_checkpoint(path: Path) -> tuple[TrainConfig, dict[str, Tensor], int]:
    parts = checkpoint.load(path)
    config = from_dict(json.loads(parts["config"]), str(path))
    return config, parts["agent"]["networks"], parts["steps"]


def _read_weights(path: Path) -> tuple[TrainConfig, dict[str, Tensor], int]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: cut short or not a file of weights ({reason(error)})") from error
    for name, expected in FORMAT.items():
        if metadata.get(name) != expected:
            raise InputError(
                f"{path}: {name} is {metadata.get(name)!r}; expected {expected!r} "
                "(the file is from another version of apexline)"
            )
    return from_dict(json.loads(metadata["config"]), str(path)), state, int(metadata["steps"])
