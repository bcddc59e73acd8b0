"""A virtual environment for each peer under build/peers, with the packages pinned in its requirements file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
ENVIRONMENTS = CHECKOUT / "build" / "peers"
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install")


class InstallError(Exception):
    """A peer could not be installed. The message is pip's last error."""


def prepare(name: str) -> Path:
    """Creates a peer's environment if it is missing or its requirements have changed. Returns its interpreter.

    apexline is built from the checkout every time. Raises InstallError.
    """
    requirements = HERE / "requirements" / f"{name}.txt"
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    installed = folder / "installed.txt"
    if not installed.exists() or installed.read_text() != requirements.read_text():
        _log(f"installing {name}" + (" (several GB)" if "nvidia" in requirements.read_text() else ""))
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        # As a constraint, the file also pins build dependencies.
        _run([str(python), *PIP, "--requirement", str(requirements)], PIP_CONSTRAINT=str(requirements))
        installed.write_text(requirements.read_text())
    if name == "apexline":
        _log("building apexline")
        # A separate build folder, since the checkout has an editable install.
        options = ("--no-deps", "--no-build-isolation", "--force-reinstall", "--config-settings")
        _run([str(python), *PIP, *options, f"build-dir={folder / 'cmake'}", str(CHECKOUT)])
    return python


def _run(command: list[str], **variables: str) -> None:
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        errors = [line for line in lines if "error" in line.lower()] or lines
        print(done.stderr, file=sys.stderr)
        raise InstallError(errors[-1].strip().replace(f"{CHECKOUT}/", ""))


def _log(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
