"""ActionRepeat and the deferred drawing in it, on the stock game and on another environment."""

from __future__ import annotations

from collections import Counter
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.box2d.car_racing import CarRacing

from apexline.racing import ActionRepeat

FULL_THROTTLE = np.array([0.1, 1, 0], np.float32)


def stock_game(frames: int, render_mode: str | None = None) -> gym.Env[Any, Any]:
    return gym.make(
        "CarRacing-v3", disable_env_checker=True, max_episode_steps=frames, render_mode=render_mode
    )


@pytest.fixture
def drawings(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the game has drawn in each mode."""
    count: Counter[str] = Counter()
    draw = CarRacing._render

    def counted(game: CarRacing, mode: str) -> Any:
        count[mode] += 1
        return draw(game, mode)

    monkeypatch.setattr(CarRacing, "_render", counted)
    return count


def test_whole_episode_equals_the_plain_game_by_bytes() -> None:
    frames, repeat = 80, 3
    plain, repeated = stock_game(frames), ActionRepeat(stock_game(frames), repeat)
    np.testing.assert_array_equal(plain.reset(seed=5)[0], repeated.reset(seed=5)[0])
    for start in range(0, frames, repeat):
        played = min(repeat, frames - start)
        steps = [plain.step(FULL_THROTTLE) for _ in range(played)]
        image, reward, terminated, truncated, info = repeated.step(FULL_THROTTLE)
        assert image.tobytes() == steps[-1][0].tobytes()
        assert repeated.get_wrapper_attr("state") is image
        assert reward == sum(step[1] for step in steps)
        assert (terminated, truncated) == (False, start + played == frames) == steps[-1][2:4]
        assert info["repeats"] == played
    assert played == 2


def test_a_termination_in_the_middle_of_a_repeat_ends_it() -> None:
    def all_but_one_tile_visited(env: gym.Env[Any, Any]) -> gym.Env[Any, Any]:
        env.reset(seed=2)
        game: Any = env.unwrapped
        game.tile_visited_count = len(game.track) - 1
        return env

    plain = all_but_one_tile_visited(stock_game(1000))
    steps = [plain.step(FULL_THROTTLE)]
    while not steps[-1][2]:
        steps.append(plain.step(FULL_THROTTLE))

    repeated = all_but_one_tile_visited(ActionRepeat(stock_game(1000), len(steps) - 1))
    assert repeated.step(FULL_THROTTLE)[2:4] == (False, False)
    image, reward, terminated, truncated, info = repeated.step(FULL_THROTTLE)
    assert image.tobytes() == steps[-1][0].tobytes()
    assert (reward, terminated, truncated) == steps[-1][1:4]
    assert info == {"lap_finished": True, "repeats": 1}


def test_one_drawing_per_step(drawings: Counter[str]) -> None:
    env = ActionRepeat(stock_game(1000), 4)
    env.reset(seed=0)
    drawings.clear()
    for _ in range(3):
        env.step(FULL_THROTTLE)
    assert drawings == {"state_pixels": 3}


def test_a_window_shows_every_frame(drawings: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = ActionRepeat(stock_game(1000, "human"), 4)
    env.reset(seed=0)
    drawings.clear()
    env.step(FULL_THROTTLE)
    env.close()
    assert drawings == {"state_pixels": 1, "human": 4}


def test_render_returns_the_video_image() -> None:
    env = ActionRepeat(stock_game(1000, "rgb_array"), 2)
    env.reset(seed=0)
    env.step(FULL_THROTTLE)
    assert env.render().shape == (400, 600, 3)


def test_drawing_is_restored_when_a_step_fails() -> None:
    env = ActionRepeat(stock_game(1000), 4)
    env.reset(seed=0)
    with pytest.raises(AttributeError):
        env.step("faster")
    assert "_render" not in vars(env.unwrapped)


class Countdown(gym.Env[Any, Any]):
    """Shows the number of steps left; each step's reward is its action."""

    observation_space = gym.spaces.Discrete(100)
    action_space = gym.spaces.Discrete(100)

    def reset(self, **_: Any) -> Any:
        self.left = 5
        return self.left, {}

    def step(self, action: Any) -> Any:
        self.left -= 1
        return self.left, action, self.left == 0, False, {"left": self.left}


def test_other_environments_are_repeated_too() -> None:
    env = ActionRepeat(Countdown(), 3)
    env.reset()
    assert env.step(10) == (2, 30.0, False, False, {"left": 2, "repeats": 3})
    assert env.step(10) == (0, 20.0, True, False, {"left": 0, "repeats": 2})
