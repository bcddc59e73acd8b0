"""Begin episodes after the camera has come down."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from apexline.racing.stock.deferred_drawing import deferred_drawing, draws_in_step
from apexline.racing.stock.protocols import game_of
from apexline.racing.types import Env, Reset, Wrapper


class SkipZoom(Wrapper):
    """Plays `frames` frames without action after each reset; the observation is the last one's.

    In its first second (49 frames after the reset) the stock game zooms in from far above, while images hold
    little of the road. `info["frames"]` and `info["score"]` of the reset say what was played, and UnshapedScore goes
    on from there; no step pays for it. Belongs below ActionRepeat. Episodes must be longer.
    """

    def __init__(self, env: Env, frames: int) -> None:
        super().__init__(env)
        self._frames = frames
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
