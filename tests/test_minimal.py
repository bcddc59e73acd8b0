"""The README's replay example in an interpreter that can import only the standard library, NumPy and apexline."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"

HIDE_ALL_BUT_NUMPY = """
import sys

class Hider:
    shown = sys.stdlib_module_names | {"numpy", "apexline"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in self.shown:
            raise ModuleNotFoundError(f"{name} is hidden", name=name)

sys.meta_path.insert(0, Hider())
"""


def run_with_numpy_alone(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", HIDE_ALL_BUT_NUMPY + code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_example_runs():
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    (example,) = [block for block in blocks if "PrioritizedFrameReplay(" in block]
    result = run_with_numpy_alone(example)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", ["torch", "gymnasium", "pydantic"])
def test_other_packages_are_hidden(name):
    assert f"{name} is hidden" in run_with_numpy_alone(f"import {name}").stderr
