"""Lower bounds of the dependencies: what pyproject.toml declares is what `make test-oldest` installs."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def numbers(version: str) -> tuple[int, ...]:
    found = tuple(int(number) for number in version.split("."))
    return found + (0,) * (3 - len(found))


def test_the_oldest_versions_are_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = project["dependencies"] + project["optional-dependencies"]["train"]
    declared = dict(re.findall(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)", "\n".join(requirements)))
    pins = (ROOT / "constraints-oldest.txt").read_text(encoding="utf-8")
    tested = dict(re.findall(r"^([\w-]+)==([\d.]+)$", pins, flags=re.MULTILINE))
    assert len(declared) >= 10
    for name in declared:
        assert numbers(tested[name]) == numbers(declared[name]), name


def test_the_oldest_gymnasium_of_the_game_is_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (requirement,) = project["optional-dependencies"]["racing"]
    bound = requirement.removeprefix("gymnasium>=")
    assert f" gymnasium=={bound}\n" in (ROOT / "Makefile").read_text(encoding="utf-8")
