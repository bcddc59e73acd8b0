"""Checkpoint files; loading one executes no code."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from apexline.atomic_write import atomic_write
from apexline.training.errors import InputError, first_line
from apexline.training.records.paths import check_name, is_folder, regular_file

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
    parts = _read(path, checked=False)
    try:
        values = json.loads(parts["config"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: contains no configuration") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: its configuration is {values!r:.40}; expected a JSON object")
    return values


def _read(path: Path, *, checked: bool) -> dict[str, Any]:
    """The parts; unless `checked`, checksums are ignored and tensors are mapped into memory."""
    if not regular_file(path):
        raise InputError(f"{path}: no such checkpoint")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip() if checked else None
        if damaged is not None:
            raise zipfile.BadZipFile(f"checksum mismatch in {damaged}")
        parts = torch.load(path, map_location="cpu", weights_only=True, mmap=not checked)
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: truncated or not a checkpoint ({first_line(error)})") from error
    # Damage raises many kinds of errors in zipfile, pickle and torch. Their messages are left out: torch's recommends
    # to load the file without the protection against code in it.
    except Exception as error:
        raise InputError(
            f"{path}: truncated or not a checkpoint; expected only tensors and plain values in it"
        ) from error
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
    check_name("the policy", run)
    if regular_file(run):
        return run
    if not is_folder(run):
        raise InputError(f"{run}: no such run folder or checkpoint")
    for name in (BEST, LATEST):
        if regular_file(run / name):
            return run / name
    raise InputError(f"{run}: contains neither {BEST} nor {LATEST}")
