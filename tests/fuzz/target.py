"""What a fuzz target is: how inputs are made, and what must hold for each of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .mutators import Mutator

Files = dict[str, bytes]
"""An input: contents of files by their relative path."""


class Target(NamedTuple):
    """One kind of input."""

    make: Callable[[Mutator], Files]
    """A mutant."""
    run: Callable[[Path], bool]
    """Uses the files of a folder; whether they were accepted. Raises AssertionError, or another exception than the
    documented one, if the code under test is wrong."""


def mutant(target: Target, name: str, seed: int, number: int) -> Files:
    """Mutant `number` of a seed, whatever was made before."""
    random = np.random.default_rng([seed, number, *name.encode()])
    return target.make(Mutator(random))


def write(files: Files, folder: Path) -> None:
    """Writes an input to an empty folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def read(folder: Path) -> Files:
    """The files of a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
