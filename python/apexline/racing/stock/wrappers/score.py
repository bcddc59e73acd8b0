"""The unshaped score of an episode."""

from __future__ import annotations

from typing import Any

from apexline.racing.stock.protocols import game_of
from apexline.racing.types import Env, Info, Reset, Step, Wrapper


class UnshapedScore(Wrapper):
    """Adds `score`, `frames` and `tiles` of the episode so far to the info of every reset and step.

    score: float, sum of the game's own rewards; frames: int, game frames (1/50 s) played; tiles: float, fraction of
    tiles visited. It goes above SkipZoom, whose frames and score it starts from, and ActionRepeat, whose `repeats` it
    adds, and below the shaping rules.
    """

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self._score = 0.0
        self._frames = 0

    def reset(self, **kwargs: Any) -> Reset:
        observation, info = self.env.reset(**kwargs)
        self._score = info.get("score", 0.0)
        self._frames = info.get("frames", 0)
        return observation, self._with_score(info)

    def step(self, action: Any) -> Step:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._score += float(reward)
        self._frames += info.get("repeats", 1)
        return observation, float(reward), terminated, truncated, self._with_score(info)

    def _with_score(self, info: Info) -> Info:
        game = game_of(self)
        tiles = game.tile_visited_count / len(game.road)
        return {**info, "score": self._score, "frames": self._frames, "tiles": tiles}
