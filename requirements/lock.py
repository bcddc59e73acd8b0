"""Writes the lock files of this folder from constraints.txt and pyproject.toml: `make lock`.

A lock file lists each release with the SHA-256 of each of its files on PyPI, for every platform and Python version.

locked.txt: everything but torch.
torch.txt: torch as PyPI has it, with the CUDA libraries that it needs on Linux.
torch-cpu.txt: the CPU builds of torch for Linux, which PyPI does not have; their hashes are in this file.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "requirements"
CPU_TORCH = {
    "2.13.0": {
        "cp311-manylinux_2_28_x86_64": "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",
    }
}
"""Version of torch: tag of a wheel with the local version `cpu`: its SHA-256. A new version needs a new entry."""
OF_TORCH_ALONE = re.compile(r"torch$|triton$|nvidia-|cuda-")
HEADER = "# Written by `make lock` from constraints.txt. Install with `pip install --require-hashes`.\n"


def compile_all() -> str:
    """Returns the requirements of the extras train and dev with hashes, resolved for all platforms."""
    command = ["uv", "pip", "compile", "pyproject.toml", "--extra", "train", "--extra", "dev"]
    command += ["--constraint", "constraints.txt", "--universal", "--python-version", "3.11"]
    command += ["--generate-hashes", "--no-header", "--no-annotate", "--quiet"]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def releases(text: str) -> dict[str, str]:
    """Returns the entries of a lock file by name, each with its hashes."""
    entries = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)
    return {entry.partition("==")[0]: entry for entry in entries if "==" in entry}


def cpu_torch(version: str) -> str:
    wheels = CPU_TORCH.get(version)
    if wheels is None:
        sys.exit(
            f"{Path(__file__).name}: no CPU build of torch {version} is known; add its hashes to CPU_TORCH"
        )
    lines = [f"torch=={version}+cpu"]
    lines += [f"    --hash=sha256:{digest}" for _, digest in sorted(wheels.items())]
    return " \\\n".join(lines) + "\n"


def main() -> None:
    entries = releases(compile_all())
    version = entries["torch"].split()[0].partition("==")[2]
    texts = {
        "locked.txt": "".join(text for name, text in entries.items() if not OF_TORCH_ALONE.match(name)),
        "torch.txt": "".join(text for name, text in entries.items() if OF_TORCH_ALONE.match(name)),
        "torch-cpu.txt": cpu_torch(version),
    }
    for name, text in texts.items():
        (FOLDER / name).write_text(HEADER + text, encoding="utf-8")


if __name__ == "__main__":
    main()
