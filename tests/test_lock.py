"""The lock files list the versions of constraints.txt, each with hashes."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ("locked.txt", "torch.txt", "torch-cpu.txt")


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(path: Path) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==([\w.+]+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {normalised(name): version for name, version in found}


def test_versions_are_those_of_the_constraints():
    torch = pins(ROOT / "requirements" / "torch.txt")["torch"]
    assert pins(ROOT / "requirements" / "locked.txt") | {"torch": torch} == pins(ROOT / "constraints.txt")


def test_the_cpu_build_of_torch_has_the_version_of_the_other():
    (version,) = pins(ROOT / "requirements" / "torch-cpu.txt").values()
    assert version == pins(ROOT / "constraints.txt")["torch"] + "+cpu"


@pytest.mark.parametrize("name", LOCKS)
def test_every_release_has_hashes(name):
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    line = re.compile(r"[\w.-]+==[\w.+]+( ; .+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n")
    assert entries
    assert [entry for entry in entries if not line.fullmatch(entry)] == []


def test_every_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    wanted = (
        project["build-system"]["requires"]
        + project["project"]["dependencies"]
        + extras["train"]
        + extras["dev"]
    )
    names = {normalised(re.split(r"[\[>=]", requirement)[0]) for requirement in wanted} - {"apexline"}
    assert names <= pins(ROOT / "constraints.txt").keys()
