"""The pages for newcomers: every link to a file leads somewhere, every option they name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "benchmarks").rglob("*.md"),
        *(ROOT / "examples").glob("*.md"),
    ]
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_files_are_whole(page: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_readmes_options_exist(capsys: pytest.CaptureFixture[str]) -> None:
    from apexline.cli import main

    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [
        line.split("#")[0].split("bin/apexline ")[1].split() for line in lines if "bin/apexline " in line
    ]
    assert {command[0] for command in commands} == {"train", "eval", "play", "export", "info"}
    for name, *options in commands:
        with pytest.raises(SystemExit):
            main([name, "--help"])
        text = capsys.readouterr().out
        for option in options:
            known = f"{option} " in text or f"{option}, " in text
            assert known or not option.startswith("--"), f"apexline {name} {option}"
