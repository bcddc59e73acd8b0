"""Images of the characters in which the game draws its score.

The stock game uses pygame's default font, FreeSansBold, which is licensed under the GNU General Public License.
Therefore neither the font nor digits made from it are shipped with this MIT-licensed package. If pygame is installed,
the digits are rendered with it at first use, and images equal the stock game's. Otherwise the package's own digits of
the same size are used, so images and observations differ in the pixels of the score.
"""

from __future__ import annotations

import functools
import importlib
import math
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

CHARACTERS = "0123456789-"
"""The characters of the table, in its order."""

FONT_SIZE = 42
"""Size in which the game loads the font."""

MAX_HEIGHT = 48
"""Largest height of a character in pixels; the stock game's is 46."""


@dataclass(frozen=True, eq=False, slots=True)
class GlyphTable:
    """Eleven characters, side by side in `coverage`. The arrays are read-only."""

    widths: npt.NDArray[np.int32]
    """(11,) pixels."""
    steps: npt.NDArray[np.int32]
    """(11, 11) distance in 1/64 pixel from the left of a character to the left of the next, [this, next]: the width
    with kerning. A character is drawn at the sum of the steps before it, rounded down to a pixel."""
    coverage: npt.NDArray[np.uint8]
    """(height, sum of widths): 0 is the black background, 255 the white character."""

    def __post_init__(self) -> None:
        for array in self.arrays:
            array.flags.writeable = False

    @property
    def arrays(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
        """Widths, steps and coverage, as the C++ core takes them."""
        return self.widths, self.steps, self.coverage


_LOADING = threading.Lock()
"""Held while digits are loaded: pygame is neither imported nor used by two threads at once."""


def load_glyphs() -> GlyphTable:
    """Returns the stock game's digits if pygame can render them, else the plain ones; one table per process."""
    with _LOADING:
        return _loaded_glyphs()


@functools.cache
def _loaded_glyphs() -> GlyphTable:
    try:
        table = _glyphs_of(_import_quietly("pygame.font"), _import_quietly("pygame.surfarray"))
    except (ImportError, RuntimeError):  # pygame.error is a RuntimeError
        return plain_glyphs()
    return table if len(table.coverage) <= MAX_HEIGHT else plain_glyphs()


def _import_quietly(name: str) -> Any:
    """Imports a module of pygame without its message on the standard output."""
    variable = "PYGAME_HIDE_SUPPORT_PROMPT"
    before = os.environ.get(variable)
    os.environ[variable] = "1"
    try:
        return importlib.import_module(name)
    finally:
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before


def _glyphs_of(font_module: Any, surfarray: Any) -> GlyphTable:
    was_ready = font_module.get_init()
    font_module.init()
    try:
        font = font_module.Font(font_module.get_default_font(), FONT_SIZE)
        images = [
            surfarray.array3d(font.render(character, True, (255, 255, 255), (0, 0, 0)))[..., 0].T
            for character in CHARACTERS
        ]
        widths = np.array([image.shape[1] for image in images], np.int32)
        steps = np.array(
            [[_step(font, first, second) for second in CHARACTERS] for first in CHARACTERS], np.int32
        )
    finally:
        if not was_ready:
            font_module.quit()
    return GlyphTable(widths, steps, np.ascontiguousarray(np.concatenate(images, 1), dtype=np.uint8))


def _step(font: Any, first: str, second: str) -> int:
    """Distance in 1/64 pixel. The font reports whole pixels, so the text is measured 64 times in a row; the minus,
    which has no kerning, separates the second character from the next first one."""

    def width(text: str) -> int:
        return int(font.size(text)[0])

    round_trip = width((first + second + "-") * 64 + first) - width(first)
    return round_trip - 64 * (width(second) + width("-"))


Stroke: TypeAlias = Sequence[tuple[float, float]]
"""Points of a polyline, in pixels from the upper left corner of the character's box."""

PLAIN_HEIGHT = 46
PLAIN_WIDTHS = (23,) * 10 + (13,)
PEN_RADIUS = 3.0
"""Radius of the round pen in pixels."""


def _arc(centre: tuple[float, float], radii: tuple[float, float], start: float, stop: float) -> Stroke:
    """Returns an arc of an ellipse, clockwise from `start` to `stop`, in degrees from the right."""
    angles = (math.radians(start + (stop - start) * i / 24) for i in range(25))
    return [(centre[0] + radii[0] * math.cos(a), centre[1] + radii[1] * math.sin(a)) for a in angles]


_PLAIN_STROKES: tuple[tuple[Stroke, ...], ...] = (
    (_arc((11.5, 19), (7.5, 12), 0, 360),),
    ([(6, 12), (12, 7), (12, 31)],),
    ([*_arc((11.5, 14), (7.5, 7), 180, 385), (4, 31), (19, 31)],),
    (_arc((11, 13), (7, 6), 190, 450), _arc((11, 25), (8, 6), 270, 530)),
    ([(15, 31), (15, 7), (4, 24), (19, 24)],),
    ([(18, 7), (6, 7), (5, 19)], _arc((11.5, 23), (7.5, 8), 215, 510)),
    (_arc((11.5, 24), (7.5, 7), 0, 360), _arc((16.5, 24), (12.5, 17), 180, 270)),
    ([(4, 7), (19, 7), (9, 31)],),
    (_arc((11.5, 13), (6.5, 6), 0, 360), _arc((11.5, 25), (7.5, 6), 0, 360)),
    (_arc((11.5, 14), (7.5, 7), 0, 360), _arc((6.5, 14), (12.5, 17), 0, 90)),
    ([(4, 21.5), (9, 21.5)],),
)


def plain_glyphs() -> GlyphTable:
    """Returns the package's own digits, drawn from lines and arcs, without kerning."""
    boxes = zip(_PLAIN_STROKES, PLAIN_WIDTHS, strict=True)
    coverage = np.concatenate([_drawn(strokes, width) for strokes, width in boxes], 1)
    widths = np.array(PLAIN_WIDTHS, np.int32)
    return GlyphTable(widths, np.repeat(64 * widths[:, None], len(widths), 1), coverage)


def _drawn(strokes: Sequence[Stroke], width: int) -> npt.NDArray[np.uint8]:
    rows, columns = np.mgrid[:PLAIN_HEIGHT, :width] + 0.5
    centres = columns + 1j * rows
    distance = np.full(centres.shape, np.inf)
    for stroke in strokes:
        corners = [complex(x, y) for x, y in stroke]
        for first, second in pairwise(corners):
            along = second - first
            nearest = np.clip(((centres - first) * along.conjugate()).real / abs(along) ** 2, 0, 1)
            distance = np.minimum(distance, np.abs(centres - (first + nearest * along)))
    return np.rint(255 * np.clip(PEN_RADIUS + 0.5 - distance, 0, 1)).astype(np.uint8)
