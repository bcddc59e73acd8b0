"""Plays frames of the stock game without drawing them, then draws the last one.

The stock `step` always draws the observation, which is 98% of its time. Nothing in the game depends on the image, so
with an action repeat only the last frame is drawn.

To keep the image byte-identical: `step` draws before it subtracts 0.1 per frame from `reward`, the score in the image.
So the score is stored when the game draws, and restored while the image is drawn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from apexline.racing.stock.protocols import CarRacing
from apexline.racing.types import Env, Frame


def draws_in_step(env: Env) -> bool:
    """Whether this is the stock game or a subclass. `step` of the native game ignores its method `_render`."""
    module = sys.modules.get("gymnasium.envs.box2d.car_racing")
    return module is not None and isinstance(env.unwrapped, module.CarRacing)


@contextmanager
def deferred_drawing(game: CarRacing) -> Iterator[Callable[[], Frame]]:
    """In this context, `game.step` returns None as its observation and draws only the window of the mode "human".

    Yields a function that draws the observation (96, 96, 3) uint8 that the latest step would have returned.
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
