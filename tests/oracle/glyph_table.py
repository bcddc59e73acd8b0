"""What the game writes its score with, measured from pygame's font: pictures of the characters and their distances."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pygame

CHARACTERS = "0123456789-"
FONT_SIZE = 42

Coverage = npt.NDArray[np.uint8]


def default_font() -> pygame.font.Font:
    pygame.font.init()
    return pygame.font.Font(pygame.font.get_default_font(), FONT_SIZE)


def picture(font: pygame.font.Font, text: str) -> Coverage:
    """White on black, antialiased: (height, width)."""
    surface = font.render(text, True, (255, 255, 255), (0, 0, 0))
    return np.ascontiguousarray(pygame.surfarray.array3d(surface)[:, :, 0].T)


def glyph_pictures(font: pygame.font.Font) -> list[Coverage]:
    return [picture(font, character) for character in CHARACTERS]


def glyph_steps(font: pygame.font.Font) -> npt.NDArray[np.int32]:
    """From each character to the next, [this][next], in 1/64 pixel.

    A place is the sum of steps before it, rounded down, so one pair shows its step in whole pixels only. Between two
    fives lie 1679/64 pixels: behind 1 to 64 of them a pair begins at each fraction of a pixel once, and what its
    widths add up to is its step in 1/64 pixel. The minus after the fives keeps kerning out.
    """
    heads = ["5" * count + "-" for count in range(1, 65)]

    def total(pair: str) -> int:
        return sum(font.size(head + pair)[0] - font.size(pair[1])[0] for head in heads)

    whole = 64 * (font.size("22")[0] - font.size("2")[0]) - total("22")
    return np.array([[total(a + b) + whole for b in CHARACTERS] for a in CHARACTERS], np.int32)
