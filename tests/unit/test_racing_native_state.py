"""Saved states of native games: restored, corrupt, truncated, from another version."""

from __future__ import annotations

import struct
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from gymnasium.vector import AutoresetMode

from apexline.racing import CarRacingEnv, CarRacingVectorEnv, ShapingRules

from .stock_racing import assert_same_infos, wild_driving

OPTIONS: dict[str, Any] = {
    "frame_size": 24,
    "action_repeat": 2,
    "max_episode_frames": 41,
    "domain_randomize": True,
    "rules": ShapingRules(stall_steps=5, missed_tile_penalty=1.0),
}
NUM_ENVS = 3


def make(mode: AutoresetMode, num_envs: int = NUM_ENVS) -> CarRacingVectorEnv:
    return CarRacingVectorEnv(num_envs, autoreset_mode=mode, **OPTIONS)


def assert_same_steps(ours: CarRacingVectorEnv, theirs: CarRacingVectorEnv, steps: int) -> None:
    """Over further episodes."""
    rng = np.random.default_rng(9)
    for _ in range(steps):
        actions = wild_driving(rng, ours.num_envs)
        our_step, their_step = ours.step(actions), theirs.step(actions)
        for our_array, their_array in zip(our_step[:4], their_step[:4], strict=True):
            np.testing.assert_array_equal(our_array, their_array, strict=True)
        assert_same_infos(our_step[4], their_step[4])


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("moment", ["after reset", "within an episode", "after an end"])
def test_restored_games_continue_bit_for_bit(mode: AutoresetMode, moment: str) -> None:
    env, other = make(mode), make(mode)
    frames, _ = env.reset(seed=4)
    rng = np.random.default_rng(0)
    for _ in range(0 if moment == "after reset" else 100):
        frames, _, terminated, truncated, _ = env.step(wild_driving(rng, NUM_ENVS))
        if (terminated | truncated).any() == (moment == "after an end"):
            break
    other.set_state(env.get_state())
    np.testing.assert_array_equal(other.observe(), frames)
    assert other.np_random_seed == (-1, -1, -1)
    assert_same_steps(other, env, steps=50)


def test_a_state_depends_neither_on_its_place_nor_on_the_other_games() -> None:
    env, alone = make(AutoresetMode.SAME_STEP), make(AutoresetMode.SAME_STEP, num_envs=1)
    frames, _ = env.reset(seed=4)
    state = env.get_state(2)
    assert state == env.get_state()[2]
    alone.reset(seed=0)
    alone.set_state(state, 0)
    np.testing.assert_array_equal(alone.observe()[0], frames[2])
    env.set_state(state, 1)
    rng = np.random.default_rng(1)
    for _ in range(30):
        actions = wild_driving(rng, 1)
        ours, theirs = env.step(np.repeat(actions, 3, 0)), alone.step(actions)
        for i in (1, 2):
            np.testing.assert_array_equal(ours[0][i], theirs[0][0])
            assert ours[1][i] == theirs[1][0]


def test_restored_statistics_continue() -> None:
    env, other = (CarRacingVectorEnv(2, episode_statistics=True, max_episode_frames=9) for _ in range(2))
    env.reset(seed=0)
    other.reset(seed=5)
    actions = np.zeros((2, 3), np.float32)
    total = sum(env.step(actions)[1] for _ in range(4))
    other.set_state(env.get_state())
    for _ in range(5):
        *_, infos = other.step(actions)
    np.testing.assert_array_equal(infos["episode"]["l"], [9, 9])
    np.testing.assert_allclose(infos["episode"]["r"], total - 0.5)


def test_a_game_that_was_never_reset_has_a_state_too() -> None:
    env, other = make(AutoresetMode.NEXT_STEP), make(AutoresetMode.NEXT_STEP)
    other.reset(seed=0)
    other.set_state(env.get_state(0), 1)
    with pytest.raises(gym.error.ResetNeeded, match="environment 1"):
        other.observe()
    with pytest.raises(gym.error.ResetNeeded, match="environment 1"):
        other.step(np.zeros((NUM_ENVS, 3), np.float32))


def flipped(state: bytes, place: int) -> bytes:
    damaged = bytearray(state)
    damaged[place] ^= 4
    return bytes(damaged)


@pytest.fixture(scope="module")
def states() -> list[bytes]:
    env = make(AutoresetMode.NEXT_STEP)
    env.reset(seed=1)
    env.step(np.zeros((NUM_ENVS, 3), np.float32))
    return env.get_state()


@pytest.mark.parametrize("place", [0, 3, 4, 12, 20, 28, 29, 40, 200, 5000, -1])
def test_a_corrupt_state_is_refused_and_changes_nothing(states: list[bytes], place: int) -> None:
    env = make(AutoresetMode.NEXT_STEP)
    env.reset(seed=8)
    before = env.get_state()
    with pytest.raises(ValueError, match=r"^cannot restore environment 1: the state "):
        env.set_state([states[0], flipped(states[1], place), states[2]])
    assert env.get_state() == before
    assert env.np_random_seed == (8, 9, 10)


@pytest.mark.parametrize("length", [0, 1, 27, 28, 29, 100, 4000, -1])
def test_a_truncated_state_is_refused(states: list[bytes], length: int) -> None:
    env = make(AutoresetMode.NEXT_STEP)
    env.reset(seed=8)
    before = env.get_state()
    with pytest.raises(ValueError, match=r"^cannot restore environment 0: "):
        env.set_state(states[0][:length], 0)
    with pytest.raises(ValueError, match=r"^cannot restore environment 0: "):
        env.set_state(states[0] + b"more", 0)
    assert env.get_state() == before


def test_wrong_kinds_of_states(states: list[bytes]) -> None:
    env = make(AutoresetMode.NEXT_STEP)
    with pytest.raises(ValueError, match=r"^len\(states\) is 2; expected 3$"):
        env.set_state(states[:2])
    with pytest.raises(TypeError, match=r"^the state of environment 2 is a str; expected bytes$"):
        env.set_state([*states[:2], "state"])  # type: ignore[list-item]
    with pytest.raises(IndexError, match="env is 3; expected 0 to 2"):
        env.set_state(states[0], 3)


def test_a_restored_single_game_continues_bit_for_bit() -> None:
    options = {**OPTIONS, "rules": None}
    env, other = CarRacingEnv(**options), CarRacingEnv(**options)
    env.reset(seed=4)
    rng = np.random.default_rng(0)
    for _ in range(14):
        frame, *_ = env.step(wild_driving(rng, 1)[0])
    state = env.get_state()
    other.set_state(state)
    np.testing.assert_array_equal(other.observe(), frame)
    courses: list[list[npt.NDArray[np.uint8]]] = []
    for each in (env, other):
        rng = np.random.default_rng(1)
        course = []
        for _ in range(8):
            frame, _, terminated, truncated, _ = each.step(wild_driving(rng, 1)[0])
            course.append(frame)
            if terminated or truncated:
                course.append(each.reset()[0])
        courses.append([*course, each.reset()[0]])
    np.testing.assert_array_equal(courses[0], courses[1])
    assert env.np_random.bit_generator.state == other.np_random.bit_generator.state
    before = other.get_state()
    with pytest.raises(ValueError, match=r"^cannot restore the environment: the state "):
        other.set_state(flipped(state, 1000))
    assert other.get_state() == before


def test_one_state_fits_a_single_game_and_a_vector() -> None:
    env, vector = CarRacingEnv(**OPTIONS), make(AutoresetMode.DISABLED)
    frame, _ = env.reset(seed=4)
    vector.reset(seed=0)
    vector.set_state(env.get_state(), 1)
    np.testing.assert_array_equal(vector.observe()[1], frame)


def test_a_state_of_an_older_version_is_refused(states: list[bytes]) -> None:
    """Its first eight bytes are a mark that changes with the layout of a state."""
    env = make(AutoresetMode.NEXT_STEP)
    older = struct.pack("<Q", 0x3130657461745378) + states[0][8:]
    with pytest.raises(
        ValueError, match=r"^cannot restore environment 0: the state is not .* this version of apexline$"
    ):
        env.set_state(older, 0)
