"""Specs of environments, as JSON and in other processes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode

from apexline.racing import (
    CarRacingEnv,
    CarRacingVectorEnv,
    GameOptions,
    Shaping,
    ShapingRules,
    make_env,
    make_vector,
)

from .native_racing import SMALL
from .stock_racing import UndrawnCarRacing, wild_driving

ID = "apexline/CarRacing-v3"
RULES = ShapingRules(stall_steps=5, stall_penalty=3.0, idle_penalty=0.25)
ANGLES = np.linspace(0, 2 * np.pi, 60, endpoint=False)
CIRCLE = 150 * np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1)
"""Points of a track."""
FIELDS = {"stall_steps": 5, "stall_penalty": 3.0, "idle_penalty": 0.25}

REPLAY = """
import json, sys
import gymnasium as gym
from gymnasium.envs.registration import EnvSpec
from tests.unit.test_racing_specs import episode
print(json.dumps(episode(gym.make(EnvSpec.from_json(sys.argv[1])))))
"""


def episode(env: Any) -> list[Any]:
    """Rewards and sums of the observations over 40 steps."""
    frame, _ = env.reset(seed=5)
    values = [int(frame.sum())]
    rng = np.random.default_rng(0)
    for _ in range(40):
        frame, reward, terminated, truncated, info = env.step(wild_driving(rng, 1)[0])
        values += [reward, int(frame.sum()), terminated, truncated, info["frames"]]
        if terminated or truncated:
            break
    return values


@pytest.mark.parametrize(
    "arguments",
    [
        {"rules": RULES},
        {"rules": FIELDS, "gray": True, "action_repeat": 3},
        {
            "max_episode_frames": 30,
            "skip_zoom": 4,
            "lap_complete_percent": 0.5,
            "render_mode": "state_pixels",
        },
        {"frame_size": (20, 30), "render_size": (100, 150), "render_mode": "rgb_array"},
        {"friction": 0.5, "engine_power": 2, "zoom": 2.0, "frame_stack": 3, "track_seed": 4},
        {"track": CIRCLE.tolist()},
    ],
)
def test_a_spec_as_json_makes_the_same_environment_in_another_process(arguments: dict[str, Any]) -> None:
    env = gym.make(ID, max_episode_steps=25, **SMALL | arguments)
    expected = episode(env)
    assert env.spec is not None
    text = env.spec.to_json()
    assert episode(gym.make(EnvSpec.from_json(text))) == expected
    run = subprocess.run([sys.executable, "-c", REPLAY, text], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"gray": True},
        {"num_envs": 3, "autoreset_mode": "SameStep", "rules": RULES, "max_episode_steps": None},
        {"autoreset_mode": AutoresetMode.DISABLED, "episode_statistics": True, "num_threads": 1},
        {"autoreset_mode": AutoresetMode.NEXT_STEP, "verbose": False, "max_episode_steps": 7},
        {"rules": FIELDS, "render_mode": "rgb_array_list", "verbose": True, "continuous": False},
        {"frame_size": (20, 30), "render_size": (100, 150), "render_mode": "rgb_array"},
        {"track": CIRCLE, "frame_size": np.int64(20)},
    ],
)
def test_the_spec_of_a_vector_environment_makes_an_equal_one(arguments: dict[str, Any]) -> None:
    env = CarRacingVectorEnv(**arguments)
    assert env.spec is not None
    for spec in (env.spec, EnvSpec.from_json(env.spec.to_json())):
        made: Any = gym.make_vec(spec)
        assert type(made) is CarRacingVectorEnv
        assert repr(made) == repr(env)
        assert (made._statistics is None, made.render_mode) == (env._statistics is None, env.render_mode)
        assert EnvSpec.from_json(made.spec.to_json()) == EnvSpec.from_json(env.spec.to_json())
    assert gym.make_vec(env.spec, num_envs=5).num_envs == env.spec.kwargs.get("num_envs", 5)


def test_make_vec_gives_the_spec_that_the_constructor_gives() -> None:
    made = gym.make_vec(ID, num_envs=2, gray=True, rules=RULES)
    assert made.spec == CarRacingVectorEnv(2, gray=True, rules=RULES).spec
    assert made.spec is not None
    assert made.spec.kwargs["max_episode_steps"] == 1000


def test_only_the_class_itself_has_a_spec() -> None:
    """A subclass may take other arguments; gymnasium.make gives specs to single environments."""

    class Own(CarRacingVectorEnv):
        pass

    assert Own(1).spec is None
    assert Own(1).envs[0].spec is None
    assert CarRacingEnv().spec is None
    assert UndrawnCarRacing().spec is None


OPTIONS = GameOptions(**SMALL)
TAKE_RULES: list[Callable[[Any], Any]] = [
    lambda rules: CarRacingEnv(rules=rules),
    lambda rules: CarRacingVectorEnv(1, rules=rules),
    lambda rules: gym.make(ID, rules=rules).unwrapped,
    lambda rules: make_env(OPTIONS, rules=rules),
    lambda rules: make_vector(OPTIONS, 1, rules=rules),
    lambda rules: make_env(OPTIONS, backend="gymnasium", rules=rules),
    lambda rules: make_vector(OPTIONS, 1, backend="gymnasium", rules=rules),
    lambda rules: Shaping(UndrawnCarRacing(), rules),
    lambda rules: CarRacingEnv().set_rules(rules),
    lambda rules: CarRacingVectorEnv(1).set_rules(rules),
    lambda rules: Shaping(UndrawnCarRacing(), None).set_rules(rules),
    lambda rules: make_vector(OPTIONS, 1, backend="gymnasium").set_rules(rules),
]


@pytest.mark.parametrize("take", TAKE_RULES)
def test_rules_may_be_a_dict_of_fields(take: Callable[[Any], Any]) -> None:
    env = take(FIELDS)
    if isinstance(env, CarRacingEnv | CarRacingVectorEnv):
        assert env.rules == RULES
        assert f"rules={RULES!r}" in repr(env)


def test_rules_as_a_dict_shape_the_rewards_of_both_backends() -> None:
    native, stock = (make_env(OPTIONS, backend=backend, rules=FIELDS) for backend in ("native", "gymnasium"))
    plain = make_env(OPTIONS)
    ours, theirs = episode(native), episode(stock)
    assert ours[1::5] == theirs[1::5] != episode(plain)[1::5]
    for env in (native, stock):
        env.get_wrapper_attr("set_rules")({})
        assert episode(env)[1::5] == episode(plain)[1::5]


@pytest.mark.parametrize("take", TAKE_RULES)
@pytest.mark.parametrize(
    ("rules", "error", "message"),
    [
        (
            {"stall_step": 5},
            ValueError,
            "rules['stall_step'] is 5; expected one of the keys stall_steps, stall_penalty, idle_penalty, lap_bonus, "
            "missed_tile_penalty, missed_tile_margin",
        ),
        (
            {"stall_steps": 0},
            ValueError,
            "stall_steps is 0; expected None or an integer from 1 to 2147483647",
        ),
        ({"lap_bonus": "1"}, TypeError, "lap_bonus is '1'; expected None or a finite number >= 0"),
        ([1.0], TypeError, "rules is [1.0]; expected a ShapingRules, a dict of its fields or None"),
    ],
)
def test_wrong_rules_are_named(
    take: Callable[[Any], Any], rules: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        take(rules)
