"""Starts episodes after the camera has zoomed in."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from apexline.racing.stock.deferred_drawing import deferred_drawing, draws_in_step
from apexline.racing.stock.protocols import game_of
from apexline.racing.types import Env, Reset, Wrapper
from apexline.racing.validation import require_integer


class SkipZoom(Wrapper):
    """Plays `frames` frames without action after each reset, and returns the observation of the last one.

    In its first 49 frames the stock game zooms in from far above, and images show little of the road. The info of the
    reset holds `frames` and `score` of these frames, from which UnshapedScore starts; their rewards belong to no step.
    It goes below ActionRepeat. Episodes must be longer than `frames`.
    """

    def __init__(self, env: Env, frames: int) -> None:
        super().__init__(env)
        self._frames = require_integer("frames", frames, 0)
        space = env.action_space
        self._no_action = (
            0 if isinstance(space, gym.spaces.Discrete) else np.zeros(space.shape or (), np.float32)
        )
        self._draws_in_step = draws_in_step(env)

    def reset(self, **kwargs: Any) -> Reset:
        if not self._draws_in_step:
            return self._play(**kwargs)
        with deferred_drawing(game_of(self)) as draw_latest:
            _, info = self._play(**kwargs)
            return draw_latest(), info

    def _play(self, **kwargs: Any) -> Reset:
        observation, info = self.env.reset(**kwargs)
        score = 0.0
        for _ in range(self._frames):
            observation, reward, _, _, info = self.env.step(self._no_action)
            score += float(reward)
        return observation, {**info, "frames": self._frames, "score": score}
