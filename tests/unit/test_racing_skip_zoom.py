"""SkipZoom on a scripted game."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from apexline.racing import ActionRepeat, SkipZoom


class Counter(gym.Env[int, npt.NDArray[np.float32]]):
    """Counts frames; the reward is the number of the frame, and actions are recorded."""

    observation_space = gym.spaces.Discrete(100)
    action_space = gym.spaces.Box(-1, 1, (2,), np.float32)

    def reset(self, **kwargs: Any) -> tuple[int, dict[str, Any]]:
        self.frame = 0
        self.actions: list[list[float]] = []
        self.kwargs = kwargs
        return 0, {"stays": True}

    def step(self, action: npt.NDArray[np.float32]) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self.frame += 1
        self.actions.append(action.tolist())
        return self.frame, float(self.frame), False, False, {"stays": True}


def test_a_reset_plays_frames_without_action() -> None:
    game = Counter()
    env = SkipZoom(game, 3)
    observation, info = env.reset(seed=4, options={})
    assert game.kwargs == {"seed": 4, "options": {}}
    assert (observation, info) == (3, {"stays": True, "frames": 3, "score": 6.0})
    assert game.actions == [[0, 0]] * 3


def test_steps_are_unchanged() -> None:
    env = ActionRepeat(SkipZoom(Counter(), 3), 2)
    env.reset()
    action = np.ones(2, np.float32)
    assert env.step(action) == (5, 9.0, False, False, {"stays": True, "repeats": 2})
