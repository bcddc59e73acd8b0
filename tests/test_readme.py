"""The documentation: links lead to files and headings, code samples run, named files, commands and options exist."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
"""Absent from the source distribution."""
SOURCES = ("python", "cpp", "tests", "benchmarks", "examples")
PAGES = sorted(
    page for folder in ("docs", "benchmarks", "examples", "python") for page in (ROOT / folder).rglob("*.md")
) + sorted(ROOT.glob("*.md"))
GUIDES = [page for page in PAGES if RESULTS not in page.parents]
"""All pages but the results, whose commands are those of their commit."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """The fenced code blocks of a page."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def anchors(page: Path) -> set[str]:
    """Of the headings, as GitHub forms them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if RESULTS in (target, *target.parents) and not RESULTS.exists():
            continue
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_linked_from_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {
        (index.parent / link).resolve() for link in re.findall(r"\]\(([^)#\s]+)", index.read_text("utf-8"))
    }
    assert {page for page in index.parent.glob("*.md") if page != index} <= linked


@pytest.mark.parametrize("page", [page for page in GUIDES if blocks(page, "python")], ids=name_of)
def test_python_samples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page run in order, in one namespace."""
    source = "\n".join(blocks(page, "python"))
    for module, needed in (
        ("apexline.racing", "gymnasium"),
        ("apexline.training", "pydantic"),
        ("torch", "torch"),
    ):
        if module in source:
            pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    exec(compile(source, name_of(page), "exec"), {"__name__": "__main__"})


def commands(page: Path) -> list[list[str]]:
    """Words of each shell command on a page, without comments."""
    lines = [line for block in blocks(page, "sh") for line in block.replace("\\\n", " ").splitlines()]
    return [words for line in lines if (words := line.partition("#")[0].split())]


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_shell_commands_exist(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    for command in [
        *commands(page),
        *(code.split() for code in re.findall(r"`((?:make|python) [^`]+)`", text)),
    ]:
        if command[0] == "make":
            assert command[1] in targets, command
        scripts = [word for word in command if word.endswith((".py", ".sh")) and "NAME" not in word]
        modules = [word.replace(".", "/") + ".py" for word in command if word.startswith("benchmarks.")]
        for file in [*scripts, *modules]:
            assert (ROOT / file).exists() or (page.parent / file).exists(), command


@pytest.mark.parametrize("page", [page for page in GUIDES if page.stem != "CHANGELOG"], ids=name_of)
def test_sources_named_in_the_text_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for file in re.findall(r"`([\w/.-]+\.(?:py|hpp|cpp|sh))`", text):
        sources = (match for folder in SOURCES for match in (ROOT / folder).rglob(file))
        assert (ROOT / file).exists() or any(sources), file


def test_the_options_of_apexline_commands_exist(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tyro")
    from apexline.cli import main

    known: dict[str, set[str]] = {}
    for name in ("train", "eval", "play", "export", "info"):
        with suppress(SystemExit):
            main([name, "--help-all" if name == "train" else "--help"])
        known[name] = set(re.findall(r"--[\w.-]+", capsys.readouterr().out))
    everywhere = set.union(*known.values(), {"--help-all"})
    for page in GUIDES:
        for command in commands(page):
            if command[0].rpartition("/")[2] == "apexline":
                options = {word for word in command if word.startswith("--")}
                assert options <= known[command[1]], command
        named = re.findall(r"`(--(?:\w+\.)+[\w.-]+)", page.read_text(encoding="utf-8"))
        assert set(named) <= everywhere, name_of(page)


def test_the_map_of_the_code_is_right() -> None:
    """CONTRIBUTING.md answers questions with a file and a name that the file contains."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| `([^`]+)` \| `([^`]+)` \|$", text, re.MULTILINE)
    assert len(rows) >= 10
    for question, path, name in rows:
        assert name in (ROOT / path).read_text(encoding="utf-8"), (
            f"{question}: {path} does not contain {name}"
        )


def test_the_folders_of_the_layout_exist() -> None:
    layout = blocks(ROOT / "CONTRIBUTING.md", "text")[0]
    folders = re.findall(r"^([\w/.]+/) ", layout, re.MULTILINE)
    assert len(folders) >= 20
    for folder in folders:
        assert (ROOT / folder).is_dir(), folder
