"""What a wheel contains."""

import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pybind11

ROOT = Path(__file__).parents[1]


def installed_modules(build: Path, *options: str) -> set[str]:
    """Extension modules that CMake would install, from its install script; nothing is compiled."""
    definitions = [
        f"-DPython_EXECUTABLE={sys.executable}",
        f"-Dpybind11_DIR={pybind11.get_cmake_dir()}",
        "-DSKBUILD_PROJECT_VERSION=0",
        *options,
    ]
    command = [sys.executable, "-m", "cmake", "-S", str(ROOT), "-B", str(build), *definitions]
    subprocess.run(command, capture_output=True, text=True, check=True)
    script = (build / "cmake_install.cmake").read_text(encoding="utf-8")
    return {name for name in ("_core", "_core_testing") if f"/{name}." in script}


def test_the_test_bindings_are_built_only_if_chosen(tmp_path):
    assert installed_modules(tmp_path / "default") == {"_core"}
    assert installed_modules(tmp_path / "tests", "-DAPEXLINE_TEST_BINDINGS=ON") == {"_core", "_core_testing"}


def test_a_wheel_from_the_build_folder_of_an_editable_install_has_no_test_bindings(tmp_path):
    chosen = "-DAPEXLINE_TEST_BINDINGS=ON"
    assert "_core_testing" in installed_modules(tmp_path, chosen, "-DSKBUILD_STATE=editable")
    assert installed_modules(tmp_path, "-DSKBUILD_STATE=wheel") == {"_core"}


def test_the_stub_of_the_test_bindings_is_left_out():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["scikit-build"]
    assert "apexline/_core_testing.pyi" in settings["wheel"]["exclude"]
    assert "cmake.define" not in settings
    assert "define" not in settings["cmake"]


def test_licenses_are_included():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(project["license-files"]) == {"LICENSE", "THIRD_PARTY_LICENSES.md"}
    included = {path.name for path in distribution("apexline").files if "licenses" in path.parts}
    assert included == set(project["license-files"])


def test_the_license_of_the_compiled_library_is_that_of_the_installed_version():
    (path,) = (path for path in distribution("pybind11").files if path.match("licenses/LICENSE"))
    assert path.read_text(encoding="utf-8") in (ROOT / "THIRD_PARTY_LICENSES.md").read_text(encoding="utf-8")
