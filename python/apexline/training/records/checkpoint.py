"""Checkpoints: directories that are written completely or not at all, and whose damage is noticed.

A run folder has them in `checkpoints/`, each named after its agent steps::

    checkpoints/step-000000012000/
        manifest.json         sizes and SHA-256 of all files
        state.json            plain values
        tensors.safetensors   tensors
        replay/...            files that the caller of `write` adds

A checkpoint is made in a directory whose name ends in `.part`, which is renamed when everything in it is on the disk.
Reading one executes no code.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apexline.atomic_write import sync_folder
from apexline.training.errors import InputError, NonFiniteError
from apexline.training.records.saved_config import config_values
from apexline.training.records.store import state as states
from apexline.training.records.store.files import (
    FileDigest,
    digest_file,
    names_below,
    write_plain,
)
from apexline.training.records.store.finite import first_non_finite
from apexline.training.records.store.manifest import (
    LARGEST_STEPS,
    MANIFEST,
    Manifest,
    check_files,
    read_file,
    read_manifest,
)

FOLDER = "checkpoints"
STATE = "state.json"
TENSORS = "tensors.safetensors"
LARGEST = {STATE: 2**28, TENSORS: 2**33}
"""Largest sizes in bytes of the files that are read into memory."""
AGENT = "agent"
"""Key of a state below which all floating-point tensors are finite: networks and optimizers."""

OLD = ".old"
"""Suffix of a checkpoint while another one of the same step replaces it."""
_NAME = re.compile(rf"step-([0-9]{{12}})({re.escape(OLD)})?")
_UNFINISHED = re.compile(r"step-[0-9]{12}\.[0-9a-f]{12}\.part")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was read.

    Attributes:
        path: its directory.
        steps: agent steps after which it was taken.
        state: as given to `write`, with plain dicts for mappings and tensors on the CPU.
    """

    path: Path
    steps: int
    state: dict[str, Any] = field(repr=False)


def write(
    run: Path,
    steps: int,
    state: Mapping[str, Any],
    *,
    keep: int,
    write_files: Callable[[Path], None] | None = None,
) -> Path:
    """Writes a checkpoint and removes old ones.

    A checkpoint of the same step is replaced. Checkpoints of later steps are removed: a run has them only if it was
    resumed from an earlier one because they were damaged. One process at a time, and one thread of it, may write to a
    run.

    Args:
        run: the run folder.
        steps: agent steps, 0 to 10**12 - 1.
        state: nested dicts with str or int keys, lists, tuples, str, int, float, bool, None and tensors. "config" is
            the configuration as JSON.
        keep: number of checkpoints to keep, >= 1, this one included.
        write_files: called with the unfinished directory, adds further files to it. A file that is a hard link of one
            in an earlier checkpoint is not read: it takes its digest from there. Every other file is read once.

    Returns:
        The directory.

    Raises:
        NonFiniteError: a tensor below "agent" has NaN or infinity.
        OSError: it cannot be written. As with any other exception, nothing is left of it, and earlier checkpoints are
            unchanged.
        TypeError, ValueError: the state cannot be stored.
    """
    if keep < 1 or not 0 <= steps <= LARGEST_STEPS:
        raise ValueError(f"keep is {keep}, steps is {steps}; expected >= 1 and 0 to {LARGEST_STEPS}")
    if found := first_non_finite(states.tensors_below(state.get(AGENT), AGENT)):
        raise NonFiniteError(f"{found}; a checkpoint of this state would be useless")
    contents = dict(zip((STATE, TENSORS), states.encode(state), strict=True))
    for name, content in contents.items():
        if len(content) > LARGEST[name]:
            raise ValueError(f"{name} has {len(content)} bytes; expected at most {LARGEST[name]}")
    folder = run / FOLDER
    is_new = _make(folder)
    try:
        final = folder / f"step-{steps:012}"
        _remove_unfinished(folder)
        part = _new_part(final)
        try:
            _fill(part, steps, contents, write_files, _known_files(folder))
            _rename(part, final)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    except BaseException:
        if is_new:
            with suppress(OSError):
                folder.rmdir()
        raise
    sync_folder(folder)
    _remove_old(folder, steps, keep)
    return final


def newest(run: Path, *, warn: Callable[[str], None], files: bool = True) -> Checkpoint:
    """The newest checkpoint of a run that is whole.

    Args:
        run: the run folder.
        warn: called with one line for each newer checkpoint that cannot be used.
        files: as in `read`.

    Raises:
        InputError: there is none.
    """
    problems: list[str] = []
    for steps, path in _finished(run):
        try:
            checkpoint = read(path, files=files)
            if checkpoint.steps != steps:
                raise InputError(f"{path}: its manifest is of step {checkpoint.steps}")
        except InputError as error:
            problems.append(str(error))
            continue
        for problem in problems:
            warn(f"{problem}; {path.name} is used instead")
        return checkpoint
    if problems:
        others = f" (and {len(problems) - 1} earlier checkpoints)" if len(problems) > 1 else ""
        raise InputError(problems[0] + others)
    raise InputError(f"{run}: no such run folder, or no checkpoint in it")


def read(folder: Path, *, files: bool = True) -> Checkpoint:
    """The checkpoint in a directory.

    Args:
        folder: the directory.
        files: whether to verify the files that `write_files` added; if not, they may be damaged or missing.

    Raises:
        InputError: a file is missing, damaged or not a regular file, is not in the manifest, or the checkpoint is of
            another version or has weights that are not finite.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if files:
        check_files(folder, manifest, [name for name in manifest.files if name not in (STATE, TENSORS)])
    text, tensors = (read_file(folder, manifest, name, LARGEST[name]) for name in (STATE, TENSORS))
    state = _state(folder, text, tensors)
    if found := first_non_finite(states.tensors_below(state.get(AGENT), AGENT)):
        raise InputError(f"{folder / TENSORS}: {found}; expected finite weights")
    return Checkpoint(folder, manifest.steps, state)


def load_config(run: Path) -> dict[str, Any]:
    """The configuration in the newest checkpoint of a run, as plain values; no tensor is read.

    Raises:
        InputError: there is none. Damage to other files than manifest.json and state.json is not noticed.
    """
    problem: InputError | None = None
    for _, path in _finished(run):
        try:
            text = read_file(path, read_manifest(path), STATE, LARGEST[STATE])
            return config_values(_state(path, text, None), path)
        except InputError as error:
            problem = problem or error
    raise problem or InputError(f"{run}: no such run folder, or no checkpoint in it")


def exists(run: Path) -> bool:
    """Whether a run has a checkpoint, which may be damaged."""
    return next(_finished(run), None) is not None


def newest_steps(run: Path) -> int | None:
    """Steps of the newest checkpoint of a run, which may be damaged; None: it has none."""
    return next((steps for steps, _ in _finished(run)), None)


def is_checkpoint(folder: Path) -> bool:
    """Whether `folder` is a checkpoint directory, which may be damaged."""
    try:
        return (folder / MANIFEST).is_file()
    except (OSError, ValueError):
        return False


def _state(folder: Path, text: bytes, tensors: bytes | None) -> dict[str, Any]:
    try:
        return states.decode(text, tensors)
    except InputError as error:
        raise InputError(f"{folder / STATE}: {error}") from error
    except MemoryError:
        raise InputError(f"{folder}: its tensors do not fit into memory") from None


def _finished(run: Path) -> Iterator[tuple[int, Path]]:
    """Steps and directories of the checkpoints of a run, newest first. Of one that is being replaced, both exist."""
    try:
        paths = list((run / FOLDER).iterdir())
    except (OSError, ValueError):
        return
    for path in sorted(
        paths, key=lambda path: (path.name.removesuffix(OLD), path.suffix != OLD), reverse=True
    ):
        if match := _NAME.fullmatch(path.name):
            yield int(match[1]), path


def _make(folder: Path) -> bool:
    """Creates the folder unless it exists; whether it did not.

    Raises:
        OSError: it cannot be created, or something else has its name.
    """
    try:
        folder.mkdir()
    except FileExistsError:
        if folder.is_symlink() or not folder.is_dir():
            raise NotADirectoryError(f"{folder}: expected a folder, not a link or a file") from None
        return False
    return True


def _new_part(final: Path) -> Path:
    """A new directory for an unfinished checkpoint."""
    part = final.with_name(f"{final.name}.{secrets.token_hex(6)}.part")
    part.mkdir()
    return part


def _fill(
    part: Path,
    steps: int,
    contents: Mapping[str, bytes],
    write_files: Callable[[Path], None] | None,
    known: Mapping[tuple[int, int], FileDigest],
) -> None:
    """Writes all files of a checkpoint to `part`, the manifest last, and synchronizes them to disk."""
    if write_files is not None:
        write_files(part)
    digests = {}
    for name in names_below(part):
        about = (part / name).lstat()
        digest = known.get((about.st_dev, about.st_ino))
        digests[name] = digest or digest_file(part / name, synchronize=True)
    for name, content in contents.items():
        digests[name] = write_plain(part / name, content)
    for parent in {parent for name in digests for parent in Path(name).parents} - {Path()}:
        sync_folder(part / parent)
    write_plain(part / MANIFEST, Manifest(steps, digests).to_bytes())
    sync_folder(part)


def _known_files(folder: Path) -> dict[tuple[int, int], FileDigest]:
    """Digests of the files of the checkpoints in `folder`, by device and inode."""
    known = {}
    for _, path in _finished(folder.parent):
        with suppress(InputError, OSError):
            for name, digest in read_manifest(path).files.items():
                about = (path / name).lstat()
                if about.st_ino and about.st_size == digest.size:
                    known[about.st_dev, about.st_ino] = digest
    return known


def _rename(part: Path, final: Path) -> None:
    """Gives `part` its final name. At every moment one of that name, or with OLD appended, is whole."""
    old = final.with_name(final.name + OLD)
    is_replaced = final.exists()
    if is_replaced:
        _remove(old)
        final.rename(old)
    try:
        part.rename(final)
    except BaseException:
        if is_replaced:
            old.rename(final)
        raise


def _remove_old(folder: Path, steps: int, keep: int) -> None:
    """Removes all but the `keep` newest of the checkpoints up to `steps`."""
    kept = 0
    for number, path in _finished(folder.parent):
        if number > steps or path.suffix == OLD or kept == keep:
            _remove(path)
        else:
            kept += 1


def _remove(path: Path) -> None:
    """Removes a checkpoint. Its name is changed first, so that a half removed one is not taken for a damaged one."""
    with suppress(OSError):
        part = path.with_name(f"{path.name.removesuffix(OLD)}.{secrets.token_hex(6)}.part")
        path.rename(part)
        shutil.rmtree(part, ignore_errors=True)


def _remove_unfinished(folder: Path) -> None:
    """Removes what a killed process left."""
    for path in folder.iterdir():
        if _UNFINISHED.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)
