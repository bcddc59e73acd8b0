"""Lengths of episodes: a limit that the stock game takes gives as many frames in the native game."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import TimeLimit

from apexline.racing import CarRacingEnv, CarRacingVectorEnv, GameOptions, make_env, make_vector

from .native_racing import SMALL, coast
from .stock_racing import CarRacing, UndrawnCarRacing

ID = "apexline/CarRacing-v3"
COAST = np.zeros(3, np.float32)


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CarRacing, "_render", UndrawnCarRacing._render)


@pytest.fixture
def own_ids() -> Iterator[dict[str, str]]:
    """Ids that a user registers without a limit, by the id that they stand for."""
    points = {
        "CarRacing-v3": "gymnasium.envs.box2d.car_racing:CarRacing",
        ID: "apexline.racing.native.env:CarRacingEnv",
    }
    ids = {}
    for number, (name, entry_point) in enumerate(points.items()):
        ids[name] = f"OwnRacing{number}-v0"
        gym.register(ids[name], entry_point=entry_point)
    yield ids
    for name in ids.values():
        del gym.registry[name]


def course(env: Any, most: int) -> list[tuple[float, bool, bool]]:
    """Rewards and ends of an episode of a car at rest, of at most so many steps."""
    env.reset(seed=3)
    steps: list[tuple[float, bool, bool]] = []
    while len(steps) < most and not (steps and (steps[-1][1] or steps[-1][2])):
        _, reward, terminated, truncated, _ = env.step(COAST)
        steps.append((float(reward), bool(terminated), bool(truncated)))
    env.close()
    return steps


def with_attribute(name: str) -> Any:
    env = gym.make(name)
    while not isinstance(env, TimeLimit):
        env = env.env  # type: ignore[attr-defined]
    env._max_episode_steps = 1100
    return env


@pytest.mark.parametrize(
    ("make", "length"),
    [
        (gym.make, 1000),
        (lambda name: gym.make(name, max_episode_steps=30), 30),
        (lambda name: gym.make(name, max_episode_steps=2000), 2000),
        (lambda name: gym.make(name, max_episode_steps=-1), None),
        (lambda name: gym.make(name).unwrapped, None),
        (lambda name: TimeLimit(gym.make(name).unwrapped, 1200), 1200),
        (with_attribute, 1100),
    ],
)
def test_limits_are_those_of_the_stock_game(make: Callable[[str], Any], length: int | None) -> None:
    ours, theirs = course(make(ID), 2005), course(make("CarRacing-v3"), 2005)
    assert ours == theirs
    assert len(ours) == (length or 2005)
    assert ours[-1][2] == (length is not None)


def test_own_registrations_and_the_class_itself_have_no_limit(own_ids: dict[str, str]) -> None:
    ours = [course(CarRacingEnv(), 1010), course(gym.make(own_ids[ID]), 1010)]
    theirs = [course(CarRacing(), 1010), course(gym.make(own_ids["CarRacing-v3"]), 1010)]
    assert ours == theirs
    assert {len(steps) for steps in ours} == {1010}
    limited = gym.make(own_ids[ID], max_episode_steps=9)
    assert [step[2] for step in course(limited, 10)] == [*[False] * 8, True]


@pytest.mark.parametrize(
    ("limits", "length"),
    [
        ({}, 1000),
        ({"max_episode_steps": 2000}, 2000),
        ({"max_episode_steps": None}, None),
        ({"max_episode_steps": -1}, None),
        ({"max_episode_steps": 2000, "max_episode_frames": 40}, 40),
        ({"max_episode_steps": 30, "max_episode_frames": 40}, 30),
        ({"max_episode_frames": 1500}, 1000),
    ],
)
def test_limits_of_a_vector(limits: dict[str, int | None], length: int | None) -> None:
    for env in (CarRacingVectorEnv(1, **limits, **SMALL), gym.make_vec(ID, num_envs=1, **limits, **SMALL)):
        env.reset(seed=3)
        truncated = [bool(coast(env)[3][0]) for _ in range(length or 2005)]
        assert not any(truncated[:-1])
        assert truncated[-1] == (length is not None)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_a_longer_vector_is_the_stock_vector(mode: AutoresetMode) -> None:
    arguments: dict[str, Any] = {"num_envs": 1, "max_episode_steps": 1020}
    ours = gym.make_vec(ID, **arguments, autoreset_mode=mode)
    theirs = gym.make_vec(
        "CarRacing-v3", **arguments, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode}
    )
    for envs in (ours, theirs):
        envs.reset(seed=5)
    for _ in range(1020 + 5 * (mode is not AutoresetMode.DISABLED)):
        our_step, their_step = coast(ours), theirs.step(COAST[None])
        for our_array, their_array in zip(our_step[1:4], their_step[1:4], strict=True):
            np.testing.assert_array_equal(our_array, their_array, strict=True)


def test_with_action_repeat_steps_are_longer_than_frames() -> None:
    """A limit in steps is that of a TimeLimit around the game; a limit in frames gives the stock game's length."""
    single = gym.make(ID, action_repeat=100, max_episode_steps=11, **SMALL)
    vector = CarRacingVectorEnv(1, action_repeat=100, max_episode_steps=11, **SMALL)
    in_frames = gym.make(ID, action_repeat=100, max_episode_frames=1000, **SMALL)
    for env in (single, vector, in_frames):
        env.reset(seed=3)
    for step in range(1, 12):
        *_, truncated, infos = coast(vector)
        assert truncated[0] == (step == 11)
        assert infos["frames"].tolist() == [100 * step]
        assert single.step(COAST)[3] == (step == 11)
        if step <= 10:
            *_, truncated, info = in_frames.step(COAST)
            assert (truncated, info["frames"]) == (step == 10, 100 * step)


@pytest.mark.parametrize("backend", ["native", "gymnasium"])
@pytest.mark.parametrize("limit", [None, 1003])
def test_options_have_a_limit_in_frames_only(backend: Any, limit: int | None) -> None:
    options = GameOptions(action_repeat=500, max_episode_frames=limit, **SMALL)
    envs: list[Any] = [make_env(options, backend=backend), make_vector(options, 1, backend=backend)]
    for env in envs:
        env.reset(seed=3)
    for step in range(3):
        is_last = limit is not None and step == 2
        *_, truncated, info = envs[0].step(COAST)
        assert (truncated, info["repeats"]) == (is_last, 3 if is_last else 500)
        assert coast(envs[1])[3].tolist() == [is_last]


def test_a_vector_shows_its_limit() -> None:
    assert CarRacingVectorEnv(1).max_episode_steps == 1000
    assert "max_episode_steps=None" in repr(CarRacingVectorEnv(1, max_episode_steps=None))
    assert CarRacingVectorEnv(1, max_episode_steps=5, skip_zoom=3).options == GameOptions(skip_zoom=3)
