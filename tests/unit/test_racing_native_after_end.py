"""Steps after the end of an episode, which the stock game and its wrappers play on: bit for bit the same."""

from __future__ import annotations

import json
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest

from apexline.racing import CarRacingEnv, CarRacingVectorEnv, ShapingRules

from .native_racing import SMALL, coast
from .stock_racing import CarRacing, UndrawnCarRacing, follow_the_road, stock_game

COAST = np.zeros(3, np.float32)
RULES = ShapingRules(
    stall_steps=30, idle_penalty=0.5, missed_tile_penalty=2.0, missed_tile_margin=2, stall_penalty=7.0
)


def straight(_: CarRacingEnv) -> npt.NDArray[np.float32]:
    return np.array([0, 0.7, 0], np.float32)


def clean_lap(env: CarRacingEnv) -> npt.NDArray[np.float32]:
    return follow_the_road(env.track_snapshot(), env.car_snapshot(), look_ahead=6)


def cut_lap(env: CarRacingEnv) -> npt.NDArray[np.float32]:
    return follow_the_road(env.track_snapshot(), env.car_snapshot(), look_ahead=8)


def parked(_: CarRacingEnv) -> npt.NDArray[np.float32]:
    return COAST


ENDS: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "off the field": (straight, {}, {"lap_finished": False}),
    "lap finished": (clean_lap, {}, {"lap_finished": True}),
    "lap finished, with rules": (clean_lap, {"rules": ShapingRules(lap_bonus=300)}, {"lap_finished": True}),
    "back at the start": (cut_lap, {"rules": ShapingRules(lap_bonus=300)}, {"ended_by": "lap_end"}),
    "stall": (parked, {"rules": RULES}, {"ended_by": "stall"}),
    "frames": (cut_lap, {"max_episode_frames": 77}, {}),
    "frames, with rules": (cut_lap, {"max_episode_frames": 77, "rules": RULES}, {}),
}


@pytest.mark.parametrize("action_repeat", [1, 3])
@pytest.mark.parametrize("kind", ENDS)
def test_the_game_continues_as_the_stock_game_does(kind: str, action_repeat: int) -> None:
    drive, options, ending = ENDS[kind]
    options = {"action_repeat": action_repeat, **options}
    env, stock = CarRacingEnv(**options, **SMALL), stock_game(**{"max_episode_frames": 5000, **options})
    assert env.reset(seed=3)[1] == stock.reset(seed=3)[1]
    after: list[Any] = []
    rng = np.random.default_rng(1)
    while len(after) < 20:  # at the latest a truncation at 5000 frames fails
        action = rng.uniform([-1, 0, 0], 1).astype(np.float32) if after else drive(env)
        ours, theirs = env.step(action)[1:], stock.step(action)[1:]
        assert ours == theirs
        assert json.loads(json.dumps(ours)) == list(theirs)
        if after or ours[1] or ours[2]:
            after.append(ours)
    _, terminated, truncated, info = after[0]
    assert truncated == ("max_episode_frames" in options)
    assert terminated != truncated
    assert {key: info[key] for key in ("lap_finished", "ended_by") if key in info} == ending
    if "lap_finished" in ending:
        assert info["lap_finished"] is ending["lap_finished"]
    assert env.reset()[1] == stock.reset()[1]
    assert env.step(COAST)[1:] == stock.step(COAST)[1:]


def test_a_step_before_the_first_reset_is_refused() -> None:
    env = CarRacingEnv(**SMALL)
    for use in (lambda: env.step(COAST), env.observe):
        with pytest.raises(gym.error.ResetNeeded, match=r"^the environment needs a reset before "):
            use()


@pytest.mark.parametrize(
    "make", [CarRacingEnv, lambda **options: gym.make("apexline/CarRacing-v3", **options)]
)
def test_a_check_of_steps_after_the_end(make: Any) -> None:
    env = make(action_repeat=400, max_episode_frames=1000, check_ended=True, **SMALL)
    env.reset(seed=0)
    assert [env.step(COAST)[3:] for _ in range(3)][-1][1]["repeats"] == 200
    with pytest.raises(gym.error.ResetNeeded, match=r"^the environment needs a reset before a step$"):
        env.step(COAST)
    env.reset()
    assert not env.step(COAST)[3]
    assert env.unwrapped.check_ended
    assert "check_ended=True" in repr(env.unwrapped)
    with pytest.raises(TypeError, match=r"^check_ended is 1; expected a bool$"):
        CarRacingEnv(check_ended=1)  # type: ignore[arg-type]


def test_a_state_of_an_ended_game_is_one_of_an_ended_game() -> None:
    """In a single game, which continues, and in a vector, which resets it."""
    env, other = (CarRacingEnv(max_episode_frames=5, **SMALL) for _ in range(2))
    env.reset(seed=0)
    for _ in range(7):
        env.step(COAST)
    other.set_state(env.get_state())
    assert other.step(COAST)[1:] == env.step(COAST)[1:]
    vector = CarRacingVectorEnv(1, max_episode_frames=5, **SMALL)
    vector.set_state([env.get_state()])
    *_, infos = coast(vector)
    assert (infos["frames"].tolist(), "repeats" in infos) == ([0], False)


def test_a_loop_that_reads_terminated_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame skip of 3 steps that overlooks the truncation of gymnasium's TimeLimit."""
    monkeypatch.setattr(CarRacing, "_render", UndrawnCarRacing._render)
    courses = []
    for name in ("apexline/CarRacing-v3", "CarRacing-v3"):
        env: Any = gym.make(name, max_episode_steps=31)
        env.reset(seed=2)
        steps = [env.step(np.array([0, 0.3, 0], np.float32))[1:4] for _ in range(3 * 14)]
        courses.append([(float(reward), *ends) for reward, *ends in steps])
        env.close()
    assert courses[0] == courses[1]
    assert [truncated for *_, truncated in courses[0]] == [False] * 30 + [True] * 12
