"""Holds an action for several frames of the game."""

from __future__ import annotations

from typing import Any

from apexline.racing.stock.deferred_drawing import deferred_drawing, draws_in_step
from apexline.racing.stock.protocols import game_of
from apexline.racing.types import Env, Step, Wrapper
from apexline.racing.validation import require_integer


class ActionRepeat(Wrapper):
    """Plays each action for `repeat` frames, or fewer if the episode ends, and sums the rewards.

    Observation, ends and info are those of the last frame; `info["repeats"]` is the number of frames played. The stock
    CarRacing draws only the last frame, byte-identical. Wrappers below this one must therefore not change
    observations, as gymnasium's TimeLimit and OrderEnforcing do not.
    """

    def __init__(self, env: Env, repeat: int) -> None:
        super().__init__(env)
        self._repeat = require_integer("repeat", repeat, 1)
        self._draws_in_step = draws_in_step(env)

    def step(self, action: Any) -> Step:
        if not self._draws_in_step:
            return self._play(action)
        with deferred_drawing(game_of(self)) as draw_latest:
            _, reward, terminated, truncated, info = self._play(action)
            return draw_latest(), reward, terminated, truncated, info

    def _play(self, action: Any) -> Step:
        total, repeats, ended = 0.0, 0, False
        while repeats < self._repeat and not ended:
            observation, reward, terminated, truncated, info = self.env.step(action)
            total += float(reward)
            repeats += 1
            ended = terminated or truncated
        return observation, total, terminated, truncated, {**info, "repeats": repeats}
