"""The environment checkers of gymnasium and stable-baselines3 on every mode of the native game, without pygame too.

gymnasium's gives no warning; stable-baselines3's gives those of the stock game, or of gymnasium's wrapper in its place.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
import gymnasium as gym
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import GrayscaleObservation

from apexline.racing import GameOptions

stable_baselines3 = pytest.importorskip("stable_baselines3.common.env_checker")

ID = "apexline/CarRacing-v3"
MODES: dict[str, dict[str, Any]] = {
    "default": {},
    "human": {"render_mode": "human"},
    "rgb_array": {"render_mode": "rgb_array"},
    "state_pixels": {"render_mode": "state_pixels"},
    "rgb_array_list": {"render_mode": "rgb_array_list"},
    "discrete": {"continuous": False, "render_mode": "rgb_array"},
    "domain_randomize": {"domain_randomize": True, "render_mode": "rgb_array"},
    "gray": {"gray": True},
    "channels first": {"channels_first": True},
    "small": {"frame_size": 64, "gray": True, "road_contrast": True},
    "keep_dim": {"gray": True, "keep_dim": True, "frame_size": 84},
    "keep_dim, channels first": {"gray": True, "keep_dim": True, "channels_first": True},
    "not square": {"frame_size": (84, 96)},
    "large": {"frame_size": [120, 160]},
    "large video": {"render_mode": "rgb_array", "render_size": [480, 640]},
    "frame stack": {"frame_stack": 4},
    "frame stack, gray": {"frame_stack": 4, "gray": True, "frame_size": 84, "render_mode": "rgb_array"},
    "frame stack, keep_dim": {"frame_stack": 4, "gray": True, "keep_dim": True},
    "frame stack, channels first": {"frame_stack": 2, "channels_first": True},
    "track_seed": {"track_seed": 3, "domain_randomize": True},
    "car and camera": {"friction": 2.0, "engine_power": 0.5, "zoom": 1.5},
    "crop_hud": {"crop_hud": True},
    "action_repeat": {"action_repeat": 4},
    "pedal": {"pedal": True},
    "skip_zoom": {"skip_zoom": 50},
    "rules": {"rules": {"stall_steps": 5, "idle_penalty": 0.1}},
    "limit": {"max_episode_frames": 200, "ends_at_start_line": True},
}
ACTIONS = "We recommend you to use a symmetric and normalized Box action space"
GRAY = "Your observation  has an unconventional shape (neither an image, nor a 1D vector)."

WITHOUT_PYGAME = """
import json, sys
sys.modules |= {"pygame": None, "Box2D": None}
from tests.unit.test_racing_checkers import MODES, checked
print(json.dumps({name: checked(**MODES[name]) for name in sys.argv[1:]}))
"""


def user_warnings(caught: list[warnings.WarningMessage]) -> list[str]:
    """Their texts, without the deprecation warnings of Box2D's module."""
    return [str(warning.message) for warning in caught if issubclass(warning.category, UserWarning)]


def stable_baselines3_warnings(env: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stable_baselines3.check_env(env, warn=True, skip_render_check=False)
        env.close()
    return user_warnings(caught)


def checked(**arguments: Any) -> list[str]:
    """Checks the native game; returns the warnings of stable-baselines3's checker."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gym.make(
            ID, **{**arguments, "render_mode": arguments.get("render_mode", "").removesuffix("_list") or None}
        )
        check_env(env.unwrapped, skip_render_check=False)
        env.close()
    return stable_baselines3_warnings(gym.make(ID, **arguments))


def assert_expected(found: list[str], arguments: dict[str, Any]) -> None:
    """The bounds of gas and brake are not symmetric, and a gray image has no axis of channels."""
    names = {field for field in GameOptions.__dataclass_fields__ if field in arguments}
    options = GameOptions(**{name: arguments[name] for name in names})
    expected = [GRAY] * (len(options.observation_space.shape) == 2)
    expected += [ACTIONS] * (options.continuous and not options.pedal)
    assert len(found) == len(expected)
    for text, beginning in zip(found, expected, strict=True):
        assert text.startswith(beginning)


@pytest.mark.parametrize("mode", MODES)
def test_checkers(mode: str) -> None:
    assert_expected(checked(**MODES[mode]), MODES[mode])


def test_without_pygame() -> None:
    names = [name for name, arguments in MODES.items() if arguments.get("render_mode") != "human"]
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_PYGAME, *names],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    for name, found in json.loads(run.stdout).items():
        assert_expected(found, MODES[name])


def test_the_stock_game_gives_the_same_warnings() -> None:
    from .stock_racing import UndrawnCarRacing

    assert_expected(stable_baselines3_warnings(UndrawnCarRacing()), {})
    assert_expected(stable_baselines3_warnings(UndrawnCarRacing(continuous=False)), {"continuous": False})
    assert_expected(stable_baselines3_warnings(GrayscaleObservation(UndrawnCarRacing())), {"gray": True})


HUMAN_WITHOUT_PYGAME = """
import sys
sys.modules["pygame"] = None
import gymnasium as gym
from apexline.racing import CarRacingEnv, CarRacingVectorEnv
for env in (CarRacingEnv, CarRacingVectorEnv):
    assert env.metadata["render_modes"] == ["rgb_array", "state_pixels"], env.metadata
    try:
        env(render_mode="human")
    except gym.error.DependencyNotInstalled as error:
        print(error)
try:
    gym.make_vec("apexline/CarRacing-v3", num_envs=2, render_mode="human")
except gym.error.DependencyNotInstalled as error:
    print(error)
try:
    gym.make("apexline/CarRacing-v3", render_mode="human").reset()  # gymnasium's own window, which needs pygame too
except gym.error.DependencyNotInstalled as error:
    print(str(error).partition(",")[0])
"""


def test_a_window_is_offered_only_with_pygame() -> None:
    run = subprocess.run(
        [sys.executable, "-c", HUMAN_WITHOUT_PYGAME], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == ['a window needs pygame: pip install "pygame-ce"'] * 3 + [
        "pygame is not installed"
    ]
    pytest.importorskip("pygame")
    assert gym.make(ID).metadata["render_modes"] == gym.make("CarRacing-v3").metadata["render_modes"]
