"""Play frames of the stock game without drawing them, then draw the last one.

The stock `step` draws the observation whether or not anyone looks at it, and that is 98% of its time. Nothing
in the game depends on the image, so all but the last drawing of an action repeat can be left out.

One detail keeps the image identical by bytes: `step` draws before it subtracts the 0.1 that every frame
costs from `reward`, the number written on the screen. So the number is noted when the game asks for the
image, and put back while the image is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from apexline.racing.stock.protocols import CarRacing
from apexline.racing.types import Env, Frame


def draws_in_step(env: Env) -> bool:
    """Whether this is the stock game (or a subclass), known by the render mode and the method with which it draws."""
    game = env.unwrapped
    return "state_pixels" in game.metadata.get("render_modes", ()) and hasattr(game, "_render")


@contextmanager
def deferred_drawing(game: CarRacing) -> Iterator[Callable[[], Frame]]:
    """While open, `game.step` gives None as its observation and draws nothing but a human's window.

    Yields a function that draws the observation (96, 96, 3) uint8 which the latest step would have returned.
    """
    draw = game._render
    score_on_screen = game.reward

    def postpone(mode: str) -> Any:
        nonlocal score_on_screen
        if mode != "state_pixels":
            return draw(mode)
        score_on_screen = game.reward
        return None

    def draw_latest() -> Frame:
        score, game.reward = game.reward, score_on_screen
        try:
            game.state = draw("state_pixels")
        finally:
            game.reward = score
        return game.state

    game._render = postpone
    try:
        yield draw_latest
    finally:
        del game._render
