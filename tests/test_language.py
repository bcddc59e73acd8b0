"""Plain technical English: words and idioms that docs, docstrings, help texts, errors and comments do not use."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

UNWANTED = (
    "aim|aims|amid|anew|arena|arenas|asks|at the door|beside|crew|dear|"
    "film|followers|for ever|goes on|goes round|handed|held against|hopeless|in vain|knows|looks out|"
    "mended|paid|pay|pays|picture|pictures|price|priced|prices|rooms|tell|"
    "tells|told|wants|whoever"
)
PATTERN = re.compile(rf"(?<![.\w])({UNWANTED})(?![\w(])", re.IGNORECASE)
"""Whole words; `file.tell()` is none."""

FILES = [
    *(
        ROOT / name
        for name in (
            "README.md",
            "CONTRIBUTING.md",
            "CHANGELOG.md",
            "SECURITY.md",
            "CMakeLists.txt",
            "Makefile",
        )
    ),
    *(ROOT / "docs").glob("*.md"),
    *(
        path
        for folder in ("python", "cpp", "tests", "benchmarks", "examples", "requirements")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".pyi", ".hpp", ".cpp", ".md", ".sh"} and path != Path(__file__)
    ),
]


@pytest.mark.parametrize("path", sorted(FILES), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_uses_plain_words(path):
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    found = [f"{number}: {line.strip()}" for number, line in lines if PATTERN.search(line)]
    assert not found
