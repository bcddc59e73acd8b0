"""Hold an action for several frames of the game."""

from __future__ import annotations

from typing import Any

from apexline.racing.stock.deferred_drawing import deferred_drawing, draws_in_step
from apexline.racing.stock.protocols import game_of
from apexline.racing.types import Env, Step, Wrapper


class ActionRepeat(Wrapper):
    """Plays each action for `repeat` frames, or fewer where the episode ends, and sums the rewards.

    All other values are those of the last frame played; `info["repeats"]` says how many were. The stock
    CarRacing draws only that last frame, with the bytes it always had; wrappers below this one must therefore
    leave observations alone, as gymnasium's own TimeLimit and OrderEnforcing do.
    """

    def __init__(self, env: Env, repeat: int) -> None:
        super().__init__(env)
        self._repeat = repeat
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
