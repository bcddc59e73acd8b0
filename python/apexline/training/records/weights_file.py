"""Weights files: networks and their configuration as safetensors, small, portable and without executable content.

The metadata of the file are strings: `format`, `version`, `config` (JSON), `steps`, optionally `eval` (JSON, a summary
of an evaluation of the weights) and other notes, and `sha256`: the SHA-256 of the whole file with 64 zeros in the place
of this digest.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes
from torch import Tensor

from apexline.atomic_write import atomic_write
from apexline.training.config.train_config import TrainConfig
from apexline.training.config.validation import to_dict
from apexline.training.errors import InputError, reason
from apexline.training.records.saved_config import saved_config
from apexline.training.records.store.files import read_plain
from apexline.training.records.store.finite import first_non_finite

SUFFIX = ".safetensors"
BEST = f"best{SUFFIX}"
"""The file of a run folder with the weights of its best evaluation."""
FORMAT = {"format": "apexline policy", "version": "3"}
LARGEST = 2**30
"""Largest weights file in bytes."""

_DIGEST = '"sha256":"{}"'
_NO_DIGEST = "0" * 64


@dataclass(frozen=True)
class Weights:
    """The content of a weights file.

    Attributes:
        networks: state of an `ActorCritic`.
        config: the run's configuration.
        steps: agent steps after which the weights were saved.
        eval: summary of an evaluation of these weights, by name; None: there was none.
    """

    networks: dict[str, Tensor] = field(repr=False)
    config: TrainConfig
    steps: int
    eval: dict[str, float] | None = None


def save(
    path: str | os.PathLike[str],
    networks: Mapping[str, Tensor],
    config: TrainConfig,
    steps: int,
    *,
    eval: Mapping[str, float] | None = None,
    notes: Mapping[str, str] | None = None,
) -> None:
    """Replace `path` by a weights file.

    Args:
        path: the file.
        networks: state of an `ActorCritic`.
        config: the run's configuration.
        steps: agent steps after which the weights were saved.
        eval: summary of an evaluation of these weights.
        notes: further metadata, such as a licence; they are not read again.

    Raises:
        InputError: a tensor has NaN or infinity; the message names it.
        OSError: the file cannot be written.
    """
    if found := first_non_finite(networks.items()):
        raise InputError(f"{path}: not written, as {found}; expected finite weights")
    metadata = {**(notes or {}), **FORMAT, "config": json.dumps(to_dict(config)), "steps": str(steps)}
    if eval is not None:
        metadata["eval"] = json.dumps(dict(eval), allow_nan=False)
    with atomic_write(path) as file:
        file.write(_content(networks, metadata))


def load(path: Path) -> Weights:
    """The content of a weights file, as given to `save`.

    Raises:
        InputError: the file cannot be read, is damaged, of another format or version, or has weights that are not
            finite. A change of any byte is noticed.
    """
    content = read_plain(path, LARGEST)
    metadata = _metadata(path, content)
    for name, expected in FORMAT.items():
        if metadata.get(name) != expected:
            raise InputError(
                f"{path}: {name} is {metadata.get(name)!r:.40}; expected {expected!r} "
                "(the file is from another version of apexline)"
            )
    _check_digest(path, content, metadata)
    try:
        networks = from_bytes(content)
    except Exception as error:  # safetensors raises many kinds of errors
        raise InputError(f"{path}: not a weights file ({reason(error):.80})") from error
    if found := first_non_finite(networks.items()):
        raise InputError(f"{path}: {found}; expected finite weights")
    try:
        steps, evaluation = int(metadata["steps"]), _evaluation(metadata.get("eval"))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: steps or eval is not valid ({reason(error):.80})") from error
    return Weights(networks, saved_config(metadata, path), steps, evaluation)


def _content(networks: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """The file. Its metadata are in the order given, in which safetensors does not write them."""
    plain = to_bytes({name: tensor.contiguous() for name, tensor in networks.items()})
    length = int.from_bytes(plain[:8], "little")
    values = {"__metadata__": {**metadata, "sha256": _NO_DIGEST}, **json.loads(plain[8 : 8 + length])}
    header = json.dumps(values, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # tensors are aligned to 8 bytes
    content = len(header).to_bytes(8, "little") + header + plain[8 + length :]
    return content.replace(_in_header(_NO_DIGEST), _in_header(hashlib.sha256(content).hexdigest()), 1)


def _metadata(path: Path, content: bytes) -> dict[str, Any]:
    length = int.from_bytes(content[:8], "little")
    try:
        if length > len(content) - 8:
            raise ValueError("its header is longer than the file")
        header = json.loads(content[8 : 8 + length])
        metadata = header.get("__metadata__", {})
        if not isinstance(metadata, dict):
            raise ValueError("it has no metadata")
    except (AttributeError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: truncated or not a weights file ({reason(error):.80})") from error
    return metadata


def _check_digest(path: Path, content: bytes, metadata: Mapping[str, Any]) -> None:
    digest = _in_header(str(metadata.get("sha256")))
    without = content.replace(digest, _in_header(_NO_DIGEST))
    if content.count(digest) != 1 or _in_header(hashlib.sha256(without).hexdigest()) != digest:
        raise InputError(f"{path}: damaged; its content does not have the digest in its metadata")


def _in_header(digest: str) -> bytes:
    return _DIGEST.format(digest).encode("utf-8", "backslashreplace")


def _evaluation(text: str | None) -> dict[str, float] | None:
    if text is None:
        return None
    values = json.loads(text)
    if not isinstance(values, dict):
        raise TypeError("eval is not a JSON object")
    summary = {name: float(value) for name, value in values.items()}
    if not all(math.isfinite(value) for value in summary.values()):
        raise ValueError("eval has a value that is not finite")
    return summary
