"""Checkpoint files; loading one executes no code."""

from __future__ import annotations

import json
import pickle
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from apexline.atomic_write import atomic_write
from apexline.training.errors import InputError

FORMAT = "apexline checkpoint"
VERSION = 2
LATEST = "checkpoint.pt"
BEST = "best.pt"
REPLAY = "replay.bin"


def save(path: Path, parts: dict[str, Any]) -> None:
    """Replace `path` by a checkpoint with `parts`, tensors and plain values.

    Raises:
        OSError: the file cannot be written.
    """
    content = BytesIO()  # torch reports a full disk as a RuntimeError of its archive writer
    torch.save({"format": FORMAT, "version": VERSION, **parts}, content)
    with atomic_write(path) as file:
        file.write(content.getbuffer())


def load(path: Path) -> dict[str, Any]:
    """The parts of a checkpoint, tensors on the CPU.

    Raises:
        InputError: the file is missing, damaged, not a checkpoint, or of another version.
    """
    return _read(path, checked=True)


def load_config(path: Path) -> dict[str, Any]:
    """The configuration in a checkpoint, as plain values; no tensor is read.

    Raises:
        InputError: as `load`, but damage to tensors is not noticed.
    """
    values: dict[str, Any] = json.loads(_read(path, checked=False)["config"])
    return values


def _read(path: Path, *, checked: bool) -> dict[str, Any]:
    """The parts; unless `checked`, checksums are ignored and tensors are mapped into memory."""
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip() if checked else None
        if damaged is not None:
            raise zipfile.BadZipFile(f"checksum mismatch in {damaged}")
        parts = torch.load(path, map_location="cpu", weights_only=True, mmap=not checked)
    except (OSError, RuntimeError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: truncated or not a checkpoint ({reason})") from error
    if not isinstance(parts, dict) or parts.get("format") != FORMAT:
        raise InputError(f"{path}: not an apexline checkpoint")
    if parts.get("version") != VERSION:
        raise InputError(
            f"{path}: version is {parts.get('version')}; expected {VERSION} "
            "(the file is from another version of apexline)"
        )
    return parts


def find(run: Path) -> Path:
    """The checkpoint file of `run`: the file itself, or of a run folder the best, else the latest.

    Raises:
        InputError: there is none.
    """
    if run.is_file():
        return run
    if not run.is_dir():
        raise InputError(f"{run}: no such run folder or checkpoint")
    for name in (BEST, LATEST):
        if (run / name).is_file():
            return run / name
    raise InputError(f"{run}: contains neither {BEST} nor {LATEST}")
