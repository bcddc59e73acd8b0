"""Weights files: networks and their configuration as safetensors, small, portable and without executable content."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from apexline.atomic_write import atomic_write
from apexline.training.config.train_config import TrainConfig
from apexline.training.config.validation import from_dict, to_dict
from apexline.training.errors import InputError, reason

SUFFIX = ".safetensors"
FORMAT = {"format": "apexline policy", "version": "2"}


def save(
    path: str | os.PathLike[str], networks: Mapping[str, Tensor], config: TrainConfig, steps: int
) -> None:
    """Replace `path` by a weights file.

    Args:
        path: the file.
        networks: state of an `ActorCritic`.
        config: the run's configuration.
        steps: agent steps after which the weights were saved.

    Raises:
        OSError: the file cannot be written.
    """
    tensors = {name: tensor.contiguous() for name, tensor in networks.items()}
    metadata = {"config": json.dumps(to_dict(config)), "steps": str(steps)}
    with atomic_write(path) as file:
        file.write(to_bytes(tensors, FORMAT | metadata))


def load(path: Path) -> tuple[dict[str, Tensor], TrainConfig, int]:
    """Networks, configuration and steps, as given to `save`.

    Raises:
        InputError: the file cannot be read, is damaged, or is of another format or version.
        KeyError: metadata is missing.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            networks = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: truncated or not a weights file ({reason(error)})") from error
    for name, expected in FORMAT.items():
        if metadata.get(name) != expected:
            raise InputError(
                f"{path}: {name} is {metadata.get(name)!r}; expected {expected!r} "
                "(the file is from another version of apexline)"
            )
    return networks, from_dict(json.loads(metadata["config"]), str(path)), int(metadata["steps"])
