"""Errors of CarRacingVectorEnv; a refused call changes nothing."""

from __future__ import annotations

import threading
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from apexline.racing import CarRacingVectorEnv, InvalidActionError

from .native_racing import SMALL, coast

Env = CarRacingVectorEnv


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_envs": 0}, ValueError, "num_envs is 0; expected an integer from 1 to 65536"),
        ({"num_envs": 10**12}, ValueError, "num_envs is 1000000000000; expected an integer from 1 to 65536"),
        ({"num_envs": 2.0}, TypeError, "num_envs is 2.0; expected an integer from 1 to 65536"),
        ({"num_threads": 0}, ValueError, "num_threads is 0; expected an integer from 1 to 1024"),
        ({"num_threads": 10**6}, ValueError, "num_threads is 1000000; expected an integer from 1 to 1024"),
        (
            {"max_episode_steps": 0},
            ValueError,
            "max_episode_steps is 0; expected None, -1 or an integer from 1",
        ),
        (
            {"frame_size": 97, "crop_hud": True},
            ValueError,
            "frame_size is 97; expected None, an integer from 1 to 84",
        ),
        (
            {"render_size": (801, 600)},
            ValueError,
            r"render_size is \(801, 600\); expected \(height, width\) from \(4, 4\) to \(800, 1000\)",
        ),
        ({"render_size": (400, 3)}, ValueError, r"render_size is \(400, 3\); expected \(height, width\)"),
        ({"render_size": 400}, TypeError, r"render_size is 400; expected \(height, width\)"),
        ({"render_size": None}, TypeError, r"render_size is None; expected \(height, width\)"),
        (
            {"render_mode": "ansi"},
            ValueError,
            "render_mode is 'ansi'; expected None or one of 'human', 'rgb_array', ",
        ),
        ({"rules": []}, TypeError, r"rules is \[\]; expected a ShapingRules, a dict of its fields or None"),
        (
            {"autoreset_mode": "same_step"},
            ValueError,
            "autoreset_mode is 'same_step'; expected one of 'NextStep', 'SameStep', 'Disabled'",
        ),
        ({"frame_shape": (84, 84)}, TypeError, ".* unexpected keyword argument 'frame_shape'"),
    ],
)
def test_arguments_out_of_range(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{message}"):
        Env(**arguments)


@pytest.mark.parametrize(
    ("options", "actions", "message"),
    [
        ({}, np.zeros((3, 3), np.float32), r"actions has shape \(3, 3\); expected \(2, 3\)"),
        ({}, np.zeros((2, 3), "U1"), "actions has dtype <U1; expected real numbers"),
        (
            {},
            np.array([[0, 0, 0], [0, np.nan, 0]]),
            r"actions\[1, 1\] is nan; expected a finite number",
        ),
        ({"pedal": True}, np.array([[0, 0], [np.inf, 0]]), r"actions\[1, 0\] is inf"),
        ({"pedal": True}, np.zeros((2, 3)), r"actions has shape \(2, 3\); expected \(2, 2\)"),
        (
            {"continuous": False},
            np.array([0, 5]),
            r"actions\[1\] is 5; expected an integer from 0 to 4",
        ),
        ({"continuous": False}, np.zeros(2), "actions has dtype float64; expected integers"),
        ({"continuous": False}, [True, False], "actions has dtype bool; expected integers"),
    ],
)
def test_a_refused_action_changes_nothing(options: dict[str, Any], actions: Any, message: str) -> None:
    env = Env(2, **options, **SMALL)
    env.reset(seed=0)
    env.step(env.action_space.sample())
    before = env.get_state()
    with pytest.raises(InvalidActionError, match=f"^{message}"):
        env.step(actions)
    assert env.get_state() == before


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"seed": -1}, ValueError, "seed is -1; expected an integer >= 0"),
        ({"seed": 1.5}, TypeError, "seed is 1.5; expected an integer >= 0"),
        ({"seed": [1, 2, 3]}, ValueError, r"len\(seed\) is 3; expected 2"),
        ({"seed": [1, -2]}, ValueError, r"seed\[1\] is -2; expected an integer >= 0"),
        ({"seed": [1, "a"]}, TypeError, r"seed\[1\] is 'a'; expected an integer >= 0"),
        (
            {"options": {"reset_mask": [True, False]}},
            TypeError,
            r"options\['reset_mask'\] is \[True, False\]; expected",
        ),
        (
            {"options": {"reset_mask": np.ones(2)}},
            TypeError,
            r"options\['reset_mask'\] is array.*; expected an array of",
        ),
        ({"options": {"reset_mask": np.ones(3, bool)}}, ValueError, r".*has shape \(3,\); expected \(2,\)"),
        ({"options": {"reset_mask": np.zeros(2, bool)}}, ValueError, r".* expected at least one True"),
    ],
)
def test_a_refused_reset_changes_nothing(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    env = Env(2, **SMALL)
    env.reset(seed=0)
    before = env.get_state()
    with pytest.raises(error, match=f"^{message}"):
        env.reset(**arguments)
    assert env.get_state() == before
    assert env.np_random_seed == (0, 1)


def test_games_need_a_reset_first() -> None:
    env = Env(2, render_mode="rgb_array", **SMALL)
    for use in (lambda: coast(env), env.observe, env.render):
        with pytest.raises(gym.error.ResetNeeded, match="environment 0 needs a reset"):
            use()
    with pytest.raises(
        gym.error.ResetNeeded, match=r"options\['reset_mask'\] leaves out environment 1, which was never"
    ):
        env.reset(options={"reset_mask": np.array([True, False])})


def test_a_closed_environment() -> None:
    env = Env(2, **SMALL)
    env.reset(seed=0)
    env.close()
    env.close()
    assert env.closed
    for use in (
        lambda: coast(env),
        env.reset,
        env.observe,
        env.get_state,
        lambda: env.track_snapshot(0),
        lambda: env.np_random,
    ):
        with pytest.raises(gym.error.ClosedEnvironmentError, match=r"^CarRacingVectorEnv is closed$"):
            use()


def test_an_index_out_of_range() -> None:
    env = Env(2, **SMALL)
    env.reset(seed=0)
    for read in (env.track_snapshot, env.car_snapshot, env.skid_marks, env.get_state):
        for index in (2, -1):
            with pytest.raises(IndexError, match=f"env is {index}; expected 0 to 1"):
                read(index)


def test_a_call_from_a_second_thread_raises() -> None:
    env = CarRacingVectorEnv(32, action_repeat=100, num_threads=1)
    env.reset(seed=0)
    actions = np.zeros((32, 3), np.float32)
    begun, done = threading.Event(), threading.Event()

    def step() -> None:
        begun.set()
        for _ in range(5):
            env.step(actions)
        done.set()

    def read() -> None:
        while not done.is_set():
            env.track_snapshot(0)

    thread = threading.Thread(target=step)
    thread.start()
    begun.wait()
    with pytest.raises(RuntimeError, match="one caller at a time"):
        read()
    thread.join()
    assert env.car_snapshot(0) is not None
    env.close()
