"""Frames that are tried and taken back, and errors of get_state and set_state."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from apexline.racing import CarRacingEnv, CarRacingVectorEnv, GameOptions

from .native_racing import SMALL
from .stock_racing import stock_game, wild_driving

ID = "apexline/CarRacing-v3"
PLANNING: dict[str, Any] = {"max_episode_steps": -1, "max_episode_frames": 1000}


@pytest.mark.parametrize("make", [lambda: gym.make(ID, **PLANNING, **SMALL), lambda: CarRacingEnv(**SMALL)])
def test_frames_that_are_taken_back_leave_no_trace(make: Any) -> None:
    """200 steps, each after 9 others that are taken back, are those of the stock game without them."""
    env, stock = make(), stock_game()
    env.reset(seed=3)
    stock.reset(seed=3)
    game = env.unwrapped
    rng, tries = np.random.default_rng(0), np.random.default_rng(1)
    for step in range(200):
        state = game.get_state()
        for action in wild_driving(tries, 9):
            env.step(action)
        game.set_state(state)
        action = wild_driving(rng, 1)[0]
        ours, theirs = env.step(action)[1:], stock.step(action)[1:]
        assert ours == theirs
        assert ours[3]["frames"] == step + 1
    assert game.np_random.bit_generator.state == stock.unwrapped.np_random.bit_generator.state


def test_the_limit_in_frames_is_part_of_a_state() -> None:
    env = gym.make(ID, **PLANNING | {"max_episode_frames": 12}, **SMALL)
    vector = CarRacingVectorEnv(1, max_episode_steps=12, **SMALL)
    env.reset(seed=3)
    vector.reset(seed=3)
    game: Any = env.unwrapped
    action = np.zeros(3)
    for step in range(1, 13):
        states = game.get_state(), vector.get_state(0)
        for _ in range(3):
            env.step(action)
            vector.step(action[None])
        game.set_state(states[0])
        vector.set_state(states[1], 0)
        assert env.step(action)[3] == (step == 12)
        assert vector.step(action[None])[3].tolist() == [step == 12]


def test_set_state_warns_once_of_a_time_limit() -> None:
    env: Any = gym.make(ID, **SMALL).unwrapped
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="set_state does not take back the steps .* max_episode_frames=1000"):
        env.set_state(env.get_state())
    quiet: list[Any] = [env, gym.make(ID, **PLANNING, **SMALL).unwrapped, CarRacingEnv(**SMALL)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for each in quiet:
            each.reset(seed=0)
            each.set_state(each.get_state())


SINGLE = CarRacingEnv(**SMALL)
VECTOR: Any = CarRacingVectorEnv(2, **SMALL)
SINGLE.reset(seed=0)
VECTOR.reset(seed=0)
STATE = VECTOR.get_state(0)
SIZE = len(STATE)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: VECTOR.set_state(1, STATE),
            TypeError,
            f"env is bytes of length {SIZE}; expected an integer; the order is set_state(states, env)",
        ),
        (lambda: VECTOR.set_state(STATE, "1"), TypeError, "env is '1'; expected an integer from 0 to 1"),
        (lambda: VECTOR.set_state(STATE, 1.0), TypeError, "env is 1.0; expected an integer from 0 to 1"),
        (lambda: VECTOR.set_state(STATE, 2**70), IndexError, f"env is {2**70}; expected 0 to 1"),
        (
            lambda: VECTOR.set_state(STATE),
            TypeError,
            f"states is bytes of length {SIZE}; expected 2 states, or one and its env",
        ),
        (lambda: VECTOR.set_state(1), TypeError, "states is 1; expected 2 states, or one and its env"),
        (lambda: VECTOR.set_state([STATE]), ValueError, "len(states) is 1; expected 2"),
        (
            lambda: VECTOR.set_state([STATE, bytearray(STATE)]),
            TypeError,
            "the state of environment 1 is a bytearray; expected bytes",
        ),
        (
            lambda: VECTOR.set_state([STATE], 0),
            TypeError,
            "the state of environment 0 is a list; expected bytes",
        ),
        (lambda: VECTOR.get_state([0, 1]), TypeError, "env is [0, 1]; expected an integer from 0 to 1"),
        (
            lambda: VECTOR.get_state(STATE),
            TypeError,
            f"env is bytes of length {SIZE}; expected an integer from 0 to 1",
        ),
        (lambda: VECTOR.get_state(-1), IndexError, "env is -1; expected 0 to 1"),
        (lambda: VECTOR.track_snapshot("a"), TypeError, "env is 'a'; expected an integer from 0 to 1"),
        (lambda: VECTOR.car_snapshot(None), TypeError, "env is None; expected an integer from 0 to 1"),
        (lambda: VECTOR.skid_marks(0.0), TypeError, "env is 0.0; expected an integer from 0 to 1"),
        (
            lambda: SINGLE.set_state([STATE]),  # type: ignore[arg-type]
            TypeError,
            "state is a list; expected bytes from get_state",
        ),
        (lambda: SINGLE.set_state(1), TypeError, "state is a int; expected bytes from get_state"),  # type: ignore[arg-type]
        (
            lambda: SINGLE.set_state(bytearray(STATE)),  # type: ignore[arg-type]
            TypeError,
            "state is a bytearray; expected bytes from get_state",
        ),
        (
            lambda: SINGLE.set_state(STATE[:-1]),
            ValueError,
            "cannot restore the environment: the state is truncated",
        ),
        (
            lambda: VECTOR.reset(seed=STATE),
            ValueError,
            f"len(seed) is {SIZE}; expected 2",
        ),
        (
            lambda: VECTOR.reset(options={"reset_mask": np.zeros((40, 40))}),
            TypeError,
            "options['reset_mask'] is array([[0., 0., ",
        ),
        (
            lambda: GameOptions(lap_complete_percent=10**400),
            ValueError,
            "lap_complete_percent is 1000000",
        ),
        (lambda: GameOptions(action_repeat=STATE), TypeError, f"action_repeat is bytes of length {SIZE}; "),  # type: ignore[arg-type]
    ],
)
def test_wrong_arguments_give_one_short_line(call: Any, error: type[Exception], message: str) -> None:
    before = VECTOR.get_state(), SINGLE.get_state()
    with pytest.raises(error) as caught:
        call()
    text = str(caught.value)
    assert text.startswith(message)
    assert len(text) < 200
    assert "\n" not in text
    assert (VECTOR.get_state(), SINGLE.get_state()) == before
