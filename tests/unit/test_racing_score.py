from __future__ import annotations

from typing import Any

import gymnasium as gym
import pytest

from apexline.racing import ActionRepeat, UnshapedScore


class Race(gym.Env[Any, Any]):
    """Ten tiles, two of them visited at the start, then one a frame for a reward of 2.5."""

    observation_space = gym.spaces.Discrete(1)
    action_space = gym.spaces.Discrete(1)
    road = range(10)

    def reset(self, **_: Any) -> Any:
        self.tile_visited_count = 2
        return 0, {"course": "oval"}

    def step(self, _: Any) -> Any:
        self.tile_visited_count += 1
        return 0, 2.5, self.tile_visited_count == 10, False, {"lap": 1}


def test_score_frames_and_tiles_of_every_step_and_reset() -> None:
    env = UnshapedScore(ActionRepeat(Race(), 3))
    for _ in range(2):
        assert env.reset() == (0, {"course": "oval", "score": 0.0, "frames": 0, "tiles": 0.2})
        infos = [env.step(0)[4] for _ in range(3)]
        assert [info["score"] for info in infos] == [7.5, 15.0, 20.0]
        assert [info["frames"] for info in infos] == [3, 6, 8]
        assert [info["tiles"] for info in infos] == [0.5, 0.8, 1.0]
        assert infos[-1]["lap"] == 1


def test_a_step_without_repeats_is_one_frame() -> None:
    env = UnshapedScore(Race())
    env.reset()
    observation, reward, terminated, truncated, info = env.step(0)
    assert (observation, reward, terminated, truncated) == (0, 2.5, False, False)
    assert info == {"lap": 1, "score": 2.5, "frames": 1, "tiles": pytest.approx(0.3)}
