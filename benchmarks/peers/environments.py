"""An environment for each peer, under build/peers, with exactly the packages that its requirements file pins."""

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
    """A peer's environment could not be made; says why."""


def prepare(name: str) -> Path:
    """Makes the environment of a peer where it is missing or its requirements changed; returns its python.

    apexline is built from the checkout as it is now, every time.
    """
    requirements = HERE / "requirements" / f"{name}.txt"
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    installed = folder / "installed.txt"
    if not installed.exists() or installed.read_text() != requirements.read_text():
        _say(f"installing {name}" + (" (several GB)" if "nvidia" in requirements.read_text() else ""))
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        # As a constraint, the file also binds what packages are built with.
        _run([str(python), *PIP, "--requirement", str(requirements)], PIP_CONSTRAINT=str(requirements))
        installed.write_text(requirements.read_text())
    if name == "apexline":
        _say("building apexline")
        # A build folder of its own: the editable install of the checkout must not be built over.
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


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
