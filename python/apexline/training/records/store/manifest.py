"""The manifest of a checkpoint: the digests of its files, and one of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from apexline.training.errors import InputError
from apexline.training.records.store.files import (
    FileDigest,
    digest_file,
    digest_of,
    is_file_name,
    names_below,
    read_plain,
    reading,
)

MANIFEST = "manifest.json"
FORMAT = "apexline checkpoint"
VERSION = 3
LARGEST = 2**24
"""Largest manifest in bytes, enough for 100,000 files."""
LARGEST_STEPS = 10**12 - 1
"""Agent steps in the 12 digits of a checkpoint's name."""


@dataclass(frozen=True)
class Manifest:
    """What a checkpoint directory contains.

    Attributes:
        steps: agent steps after which it was taken.
        files: every file but the manifest, by its relative path.
    """

    steps: int
    files: Mapping[str, FileDigest]

    def to_bytes(self) -> bytes:
        """The content of manifest.json. Its last value is the SHA-256 of the same content without that value."""
        values = {
            "format": FORMAT,
            "version": VERSION,
            "steps": self.steps,
            "files": {name: asdict(self.files[name]) for name in sorted(self.files)},
        }
        return _render(values | {"sha256": digest_of(_render(values)).sha256})


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a checkpoint directory.

    Raises:
        InputError: it is missing, damaged or of another version. A change of any byte is noticed, as the content must
            be what `Manifest.to_bytes` returns.
    """
    path = folder / MANIFEST
    content = read_plain(path, LARGEST)
    try:
        values = json.loads(content)
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise InputError(f"{path}: damaged or not the manifest of a checkpoint")
        if values.get("version") != VERSION and values.get("sha256") == _own_digest(values):
            raise InputError(
                f"{path}: version is {values.get('version')!r:.40}; expected {VERSION} "
                "(the checkpoint is from another version of apexline)"
            )
        manifest = _manifest_of(values)
        if manifest is not None and manifest.to_bytes() == content:
            return manifest
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged or not the manifest of a checkpoint") from error
    raise InputError(f"{path}: damaged; its content does not have its digest")


def check_files(folder: Path, manifest: Manifest, names: Iterable[str]) -> None:
    """Compares the files `names` of a checkpoint directory with its manifest.

    Raises:
        InputError: one is missing, damaged or not a regular file, or the folder has files that the manifest does not.
    """
    with reading(folder):
        found = {*names_below(folder)} - {MANIFEST}
    if missing := sorted(manifest.files.keys() - found):
        raise InputError(f"{folder / missing[0]}: no such file")
    if extra := sorted(found - manifest.files.keys()):
        raise InputError(f"{folder / extra[0]}: the manifest of the checkpoint does not contain this file")
    for name in names:
        expected, path = manifest.files[name], folder / name
        with reading(path):
            size = path.lstat().st_size
            if size != expected.size:  # before the whole file is read
                raise InputError(f"{path}: damaged; it has {size} bytes instead of {expected.size}")
            digest = digest_file(path)
        if digest != expected:
            raise InputError(f"{path}: damaged; its content does not have the digest in the manifest")


def read_file(folder: Path, manifest: Manifest, name: str, largest: int) -> bytes:
    """The content of a file of a checkpoint directory.

    Raises:
        InputError: it is not in the manifest, missing, damaged, or has more than `largest` bytes.
    """
    path = folder / name
    expected = manifest.files.get(name)
    if expected is None:
        raise InputError(f"{path}: the manifest of the checkpoint does not contain this file")
    content = read_plain(path, min(expected.size, largest))
    if digest_of(content) != expected:
        raise InputError(f"{path}: damaged; its content does not have the digest in the manifest")
    return content


def _render(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(values, indent=1) + "\n").encode()


def _own_digest(values: Mapping[str, Any]) -> str:
    return digest_of(_render({name: value for name, value in values.items() if name != "sha256"})).sha256


def _manifest_of(values: Mapping[str, Any]) -> Manifest | None:
    """The manifest with these values, None if one is not of its type or range."""
    steps, files = values.get("steps"), values.get("files")
    if type(steps) is not int or not 0 <= steps <= LARGEST_STEPS or not isinstance(files, dict):
        return None
    digests = {}
    for name, about in files.items():
        if not isinstance(about, dict) or not is_file_name(name) or name == MANIFEST:
            return None
        size, sha256 = about.get("size"), about.get("sha256")
        if type(size) is not int or not 0 <= size < 2**63 or not isinstance(sha256, str):
            return None
        if not re.fullmatch("[0-9a-f]{64}", sha256):
            return None
        digests[name] = FileDigest(size, sha256)
    return Manifest(steps, digests)
