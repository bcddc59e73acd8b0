"""Digits of the score: pygame's if it is installed, else plain ones."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from apexline.racing.native.glyphs import CHARACTERS, FONT_SIZE, GlyphTable, load_glyphs, plain_glyphs

_core_testing = pytest.importorskip("apexline._core_testing", reason="wheels have no bindings for tests")
TABLES = [pytest.param(load_glyphs, id="installed"), pytest.param(plain_glyphs, id="plain")]
ODD_SCORES = (-0.0, -0.3, -0.5, 0.5, 1.5, 2.5, 999.5, -1234.4, 12345.6, -99999.0)
"""Ties, values that round to minus zero, and values of more than four characters."""


def ink_of(table: GlyphTable, character: str) -> np.ndarray:
    begin = table.widths[: CHARACTERS.index(character)].sum()
    return table.coverage[:, begin : begin + table.widths[CHARACTERS.index(character)]]


@pytest.mark.parametrize("make", TABLES)
def test_a_table_has_the_documented_shapes_and_dtypes(make) -> None:
    widths, steps, coverage = make().arrays
    assert (widths.shape, widths.dtype) == ((11,), np.int32)
    assert (steps.shape, steps.dtype) == ((11, 11), np.int32)
    assert coverage.shape[1] == widths.sum()
    assert coverage.dtype == np.uint8
    assert all(array.flags.c_contiguous and not array.flags.writeable for array in (widths, steps, coverage))


@pytest.mark.parametrize("make", TABLES)
def test_every_character_differs(make) -> None:
    inks = [ink_of(make(), character) for character in CHARACTERS]
    assert all(ink.max() == 255 for ink in inks)
    assert len({ink.tobytes() for ink in inks}) == 11


def test_the_table_is_loaded_once() -> None:
    assert load_glyphs() is load_glyphs()


def test_the_score_equals_that_of_the_stock_game() -> None:
    font_module = pytest.importorskip("pygame.font")
    pygame = pytest.importorskip("pygame")
    font_module.init()
    font = font_module.Font(font_module.get_default_font(), FONT_SIZE)
    arrays = load_glyphs().arrays
    for score in (*range(-200, 1101), *ODD_SCORES):
        text = font.render(f"{score:04.0f}", True, (255, 255, 255), (0, 0, 0))
        place = text.get_rect()
        place.center = (60, 800 - 800 * 2.5 / 40.0 - 700)
        surface = pygame.Surface((200, 100))
        surface.blit(text, place)
        stock = pygame.surfarray.array3d(surface).transpose(1, 0, 2)
        assert np.array_equal(_core_testing.score_image(score, arrays), stock), score
    font_module.quit()


def test_plain_digits_have_the_size_of_the_stock_ones() -> None:
    """So that observations on machines without pygame are nearly the same."""
    pytest.importorskip("pygame.font")
    stock, plain = load_glyphs(), plain_glyphs()
    assert np.array_equal(plain.widths, stock.widths)
    assert plain.coverage.shape == stock.coverage.shape
    for character in CHARACTERS:
        rows, other_rows = (np.nonzero(ink_of(table, character).max(1) > 128)[0] for table in (stock, plain))
        assert abs(rows[0] - other_rows[0]) <= 2
        assert abs(rows[-1] - other_rows[-1]) <= 2
        assert 0.8 < ink_of(plain, character).sum(dtype=int) / ink_of(stock, character).sum(dtype=int) < 1.25


QUIET = """
import os, sys
from apexline.racing.native.glyphs import load_glyphs, plain_glyphs
assert sys.modules.get("pygame") is None
os.environ.pop("PYGAME_HIDE_SUPPORT_PROMPT", None)  # gymnasium sets it
table = load_glyphs()
{}
assert "PYGAME_HIDE_SUPPORT_PROMPT" not in os.environ
"""
"""No message on the standard output, no initialised font module, no changed environment variable."""


@pytest.mark.parametrize(
    ("prelude", "check"),
    [
        (
            "",
            "import pygame; assert not pygame.font.get_init(); assert not pygame.display.get_init()\n"
            "assert table.coverage.tobytes() != plain_glyphs().coverage.tobytes()",
        ),
        (
            "import sys; sys.modules['pygame'] = None\n",
            "assert table.coverage.tobytes() == plain_glyphs().coverage.tobytes()",
        ),
    ],
    ids=["with pygame", "without pygame"],
)
def test_pygame_is_used_if_installed_without_side_effects(prelude: str, check: str) -> None:
    if not prelude:
        pytest.importorskip("pygame.font")
    command = [sys.executable, "-c", prelude + QUIET.format(check)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (0, np.zeros(11, np.int32), r"^widths\[0\] is 0; expected a positive number$"),
        (1, np.full((11, 11), -1, np.int32), r"^steps\[0, 0\] is -1; expected a number >= 0$"),
        (2, np.zeros((46, 9), np.uint8), r"^coverage has shape \(46, 9\); expected \(46, 243\)$"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(place: int, value: np.ndarray, message: str) -> None:
    arrays = list(plain_glyphs().arrays)
    arrays[place] = value
    with pytest.raises(ValueError, match=message):
        _core_testing.score_image(0.0, tuple(arrays))


FIRST_ENVIRONMENTS = """
import threading
from apexline.racing import CarRacingVectorEnv
made = []
threads = [threading.Thread(target=lambda: made.append(CarRacingVectorEnv(num_envs=1))) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(made) == 4
"""


def test_the_first_environments_may_be_made_by_several_threads() -> None:
    """Which used to import pygame at the same time."""
    ended = subprocess.run(
        [sys.executable, "-c", FIRST_ENVIRONMENTS], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
