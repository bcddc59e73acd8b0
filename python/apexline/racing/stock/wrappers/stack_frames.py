"""Observations of the last frames."""

from __future__ import annotations

from collections import deque
from typing import Any

import gymnasium as gym
import numpy as np

from apexline.racing.types import Env, Frame, Reset, Step, Wrapper
from apexline.racing.validation import require_integer


class StackFrames(Wrapper):
    """Returns the observations of the last `depth` steps in one array, oldest first.

    They are concatenated along `channel_axis`, as by stable-baselines3's VecFrameStack, or if it is None stacked along
    a new first axis, as by gymnasium's FrameStackObservation. The first observation of an episode fills the stack, as
    FrameStackObservation does by default; VecFrameStack begins with zeros.
    """

    def __init__(self, env: Env, depth: int, *, channel_axis: int | None = None) -> None:
        super().__init__(env)
        depth = require_integer("depth", depth, 1, 256)
        self._channel_axis = channel_axis
        self._frames: deque[Frame] = deque(maxlen=depth)
        space = env.observation_space
        assert isinstance(space, gym.spaces.Box)
        self._frames.extend([np.zeros(space.shape, np.uint8)] * depth)
        self.observation_space = gym.spaces.Box(0, 255, self._stack().shape, np.uint8)

    def reset(self, **kwargs: Any) -> Reset:
        frame, info = self.env.reset(**kwargs)
        self._frames.extend([frame] * len(self._frames))
        return self._stack(), info

    def step(self, action: Any) -> Step:
        frame, reward, terminated, truncated, info = self.env.step(action)
        self._frames.append(frame)
        return self._stack(), float(reward), terminated, truncated, info

    def _stack(self) -> Frame:
        if self._channel_axis is None:
            return np.stack(self._frames)
        return np.concatenate(self._frames, self._channel_axis)
