"""Inputs that once failed, and the first mutants of every kind."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .child import TARGETS
from .mutators import Mutator
from .target import mutant

ROOT = Path(__file__).parents[2]
INPUTS = sorted((Path(__file__).parent / "regressions").glob("*/*"))


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_input_that_failed(path: Path, tmp_path: Path) -> None:
    """It is refused or harmless. The folder above an input is named after its kind."""
    shutil.copytree(path, tmp_path, dirs_exist_ok=True)
    TARGETS[path.parent.name].run(tmp_path)


@pytest.mark.parametrize("name", list(TARGETS))
def test_a_mutant_depends_on_its_number_only(name: str) -> None:
    made = mutant(TARGETS[name], name, 1, 5)
    assert mutant(TARGETS[name], name, 1, 5) == made
    assert mutant(TARGETS[name], name, 1, 6) != made
    assert mutant(TARGETS[name], name, 2, 5) != made


def test_mutants_of_json_are_json() -> None:
    import json

    import numpy as np

    value = {"a": [1, 2.5, {"b": None}], "c": "text"}
    before = json.dumps(value)
    changed = [json.dumps(Mutator(np.random.default_rng(seed)).json(value)) for seed in range(200)]
    assert len({*changed, before}) > 100
    assert json.dumps(value) == before


def test_a_failing_mutant_is_kept_and_the_next_ones_are_tried(tmp_path: Path) -> None:
    """A program in which every third mutant ends the process."""
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from tests.fuzz import __main__ as fuzz, child\n"
        "fuzz.FOUND = Path(sys.argv[1])\n"
        "def results(name, seed, first, end):\n"
        "    good = 0 if first % 3 == 2 else 2 - first % 3\n"
        "    return 'ar'[first % 2] * min(good, end - first), 'exit status -11'\n"
        "fuzz.child = results\n"
        "print(fuzz.fuzz('config', 1, 0, 8))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config-1-2", "config-1-5"]
    assert "mutant 5 of seed 1 failed" in done.stdout
    assert done.stdout.splitlines()[-1] == "(4, 2)"
