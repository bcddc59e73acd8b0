"""Runs Python on modules that are built with a sanitizer.

    python -m tests.sanitized asan-python -m pytest tests/unit/test_sum_tree.py

The build of a CMake preset gets a virtual environment of its own in the build folder, which sees the packages of the
running one. The interpreter itself is not instrumented, so the sanitizer's library is loaded before it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "python" / "apexline"


class Sanitizer(NamedTuple):
    library: str
    options: dict[str, str]
    """Environment variables."""


SANITIZERS = {
    "asan-python": Sanitizer(
        "libasan.so",
        {
            # Python releases little of what it allocated when it exits, so every run would report leaks.
            "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:detect_stack_use_after_return=1",
            "UBSAN_OPTIONS": "print_stacktrace=1",
            "PYTHONMALLOC": "malloc",  # the sanitizer does not see what Python's own allocator hands out
        },
    ),
    "tsan-python": Sanitizer(
        "libtsan.so",
        {
            # The interpreter needs no suppressions: its lock is one of pthread's, which the library sees.
            "TSAN_OPTIONS": "halt_on_error=1:exitcode=66",
            "PYTHONMALLOC": "malloc",
        },
    ),
}


def build(preset: str) -> Path:
    """The folder of the built modules and links to the package's Python files."""
    import pybind11

    folder = ROOT / "build" / preset
    site = folder / "site"
    configure = [f"-Dpybind11_DIR={pybind11.get_cmake_dir()}", f"-DPython_EXECUTABLE={sys.executable}"]
    for command in (
        ["--preset", preset, *configure],
        ["--build", "--preset", preset, "--target", "_core", "_core_testing"],
        ["--install", folder, "--prefix", site],
    ):
        subprocess.run(["cmake", *command], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    package = site / "apexline"
    for path in package.iterdir():
        if path.is_symlink():
            path.unlink()
    for path in SOURCES.iterdir():
        if path.name not in ("_core", "__pycache__") and path.suffix != ".pyi":
            (package / path.name).symlink_to(path)
    return site


def python_of(folder: Path, site: Path) -> Path:
    """The interpreter of an environment in which `site` comes first. Nothing is installed into it."""
    home = folder / "venv"
    if not home.exists():
        venv.create(home, symlinks=True)
    [packages] = home.glob("lib/python*/site-packages")
    # Folders of a .pth file are appended without their own .pth files, which would find the ordinary build.
    others = [path for path in sys.path if path.endswith(("site-packages", "shared-site"))]
    (packages / "sanitized.pth").write_text("\n".join([str(site), *others]) + "\n")
    return home / "bin" / "python"


def library(preset: str, name: str) -> str:
    """Path of a library of the compiler that built the modules."""
    cache = (ROOT / "build" / preset / "CMakeCache.txt").read_text()
    [compiler] = [
        line.partition("=")[2] for line in cache.splitlines() if line.startswith("CMAKE_CXX_COMPILER:")
    ]
    asked = subprocess.run([compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True)
    path = asked.stdout.strip()
    if path == name:
        raise SystemExit(f"{compiler} has no {name}; expected GCC with its sanitizers")
    return str(Path(path).resolve())


def main(preset: str, *arguments: str) -> None:
    sanitizer = SANITIZERS[preset]
    python = python_of(ROOT / "build" / preset, build(preset))
    # The library looks for functions of libstdc++ when it starts; Python would load that later.
    preloaded = [library(preset, name) for name in (sanitizer.library, "libstdc++.so")]
    environment = {**os.environ, **sanitizer.options, "LD_PRELOAD": " ".join(preloaded)}
    os.chdir(ROOT)
    os.execve(python, [str(python), *arguments], environment)


if __name__ == "__main__":
    main(*sys.argv[1:])
