"""Option frame_stack: against the wrapper that defines it, gymnasium's and stable-baselines3's, and a naive model."""

from __future__ import annotations

import copy
import re
from collections import deque
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from gymnasium.vector import AutoresetMode

from apexline.racing import CarRacingEnv, CarRacingVectorEnv, GameOptions, StackFrames, make_env

from .stock_racing import wild_driving

SHORT: dict[str, Any] = {"frame_size": 9, "max_episode_frames": 11, "action_repeat": 2}
"""Episodes of six steps, fast to draw."""
FORMATS: list[dict[str, Any]] = [
    {"gray": True},
    {"gray": True, "keep_dim": True},
    {"gray": True, "keep_dim": True, "channels_first": True},
    {},
    {"channels_first": True},
    {"frame_size": (7, 12)},
    {"gray": True, "crop_hud": True, "road_contrast": True, "skip_zoom": 5},
]
AXES = [None, 2, 0, 2, 0, 2, None]


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
@pytest.mark.parametrize(("options", "axis"), [*zip(FORMATS, AXES, strict=True)])
def test_frames_of_each_format(options: dict[str, Any], axis: int | None, depth: int) -> None:
    options = {**SHORT, **options}
    native = CarRacingEnv(**options, frame_stack=depth)
    reference = StackFrames(CarRacingEnv(**options), depth, channel_axis=axis)
    assert native.observation_space == reference.observation_space
    assert native.options.frame_shape == CarRacingEnv(**options).observation_space.shape
    rng = np.random.default_rng(0)
    for seed in (1, None):
        ours, theirs = native.reset(seed=seed)[0], reference.reset(seed=seed)[0]
        ends = False
        while not ends:
            np.testing.assert_array_equal(ours, theirs, strict=True)
            np.testing.assert_array_equal(native.observe(), theirs, strict=True)
            action = wild_driving(rng, 1)[0]
            (ours, *_), (theirs, _, terminated, truncated, _) = native.step(action), reference.step(action)
            ends = terminated or truncated
        np.testing.assert_array_equal(ours, theirs, strict=True)


def test_a_stack_of_one_is_the_frame() -> None:
    for options in FORMATS:
        env, plain = CarRacingEnv(**options, frame_stack=1), CarRacingEnv(**options)
        assert env.observation_space == plain.observation_space
        np.testing.assert_array_equal(env.reset(seed=0)[0], plain.reset(seed=0)[0], strict=True)


def test_gray_stacks_are_those_of_gymnasium() -> None:
    native = CarRacingEnv(gray=True, frame_stack=4, **SHORT)
    theirs = gym.wrappers.FrameStackObservation(CarRacingEnv(gray=True, **SHORT), 4)
    assert native.observation_space == theirs.observation_space
    for seed in (3, None):
        np.testing.assert_array_equal(native.reset(seed=seed)[0], theirs.reset(seed=seed)[0], strict=True)
        for _ in range(6):
            action = np.array([0.3, 0.5, 0], np.float32)
            np.testing.assert_array_equal(native.step(action)[0], theirs.step(action)[0], strict=True)


@pytest.mark.parametrize("channels_first", [False, True])
def test_colours_are_concatenated_as_by_stable_baselines3(*, channels_first: bool) -> None:
    """From the fourth observation on; before, VecFrameStack has zeros in place of the episode's first frame."""
    vec_env = pytest.importorskip("stable_baselines3.common.vec_env")
    options = {**SHORT, "frame_size": 36, "channels_first": channels_first}
    native = CarRacingEnv(**options, frame_stack=4)
    theirs = vec_env.VecFrameStack(vec_env.DummyVecEnv([lambda: CarRacingEnv(**options)]), 4)
    theirs.seed(5)
    assert native.observation_space == theirs.observation_space
    first, zeros_and_first = native.reset(seed=5)[0], theirs.reset()[0]
    axis = 0 if channels_first else 2
    np.testing.assert_array_equal(
        np.take(first, [9, 10, 11], axis), np.take(zeros_and_first, [9, 10, 11], axis)
    )
    assert not np.take(zeros_and_first, range(9), axis).any()
    for step in range(1, 6):
        action = np.array([0.3, 0.5, 0], np.float32)
        ours, stacked = native.step(action)[0], theirs.step(action[None])[0][0]
        if step >= 3:
            np.testing.assert_array_equal(ours, stacked, strict=True)


class NaiveStacks:
    """Stacks of a vector environment with single frames (num_envs, H, W)."""

    def __init__(self, num_envs: int, depth: int) -> None:
        self.frames: list[deque[npt.NDArray[np.uint8]]] = [deque(maxlen=depth) for _ in range(num_envs)]
        self.depth = depth

    def begin(self, env: int, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        self.frames[env].extend([frame] * self.depth)
        return np.stack(self.frames[env])

    def push(self, env: int, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        self.frames[env].append(frame)
        return np.stack(self.frames[env])


@pytest.mark.parametrize("num_threads", [1, 3])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_stacks_over_episodes_of_subsets(mode: AutoresetMode, num_threads: int) -> None:
    """Steps of random subsets: resets, last observations of episodes, reset_mask and observe."""
    num_envs = 9
    options: dict[str, Any] = {**SHORT, "gray": True, "autoreset_mode": mode, "num_threads": num_threads}
    env, plain = (
        CarRacingVectorEnv(num_envs, frame_stack=3, **options),
        CarRacingVectorEnv(num_envs, **options),
    )
    model = NaiveStacks(num_envs, 3)
    assert env.observation_space.shape == (num_envs, 3, 9, 9)

    frames, _ = plain.reset(seed=1)
    expected = np.stack([model.begin(i, frames[i]) for i in range(num_envs)])
    np.testing.assert_array_equal(env.reset(seed=1)[0], expected, strict=True)

    rng = np.random.default_rng(2)
    num_ended = 0
    for turn in range(40):
        ids = (
            np.arange(num_envs)
            if turn % 4 == 0
            else rng.permutation(num_envs)[: rng.integers(1, num_envs + 1)]
        )
        actions = wild_driving(rng, len(ids))
        ours = env.step(actions) if turn % 4 == 0 else env.step(actions, ids)
        frames, _, terminated, truncated, infos = plain.step(actions, ids)
        ended = terminated | truncated
        num_ended += int(ended.sum())
        assert ("final_obs" in ours[4]) == ("final_obs" in infos)
        was_reset = ~infos.get("_repeats", np.zeros(len(ids), bool))
        for row, i in enumerate(ids):
            if mode is AutoresetMode.SAME_STEP and ended[row]:
                last = model.push(i, infos["final_obs"][row])
                np.testing.assert_array_equal(ours[4]["final_obs"][row], last, strict=True)
            begins = ended[row] if mode is AutoresetMode.SAME_STEP else was_reset[row]
            stack = (model.begin if begins else model.push)(i, frames[row])
            np.testing.assert_array_equal(ours[0][row], stack, strict=True)
        if mode is AutoresetMode.DISABLED and ended.any():
            mask = np.zeros(num_envs, bool)
            mask[ids[ended]] = True
            frames, _ = plain.reset(options={"reset_mask": mask})
            for i in np.flatnonzero(mask):
                model.begin(i, frames[i])
            expected = np.stack([np.stack(stack) for stack in model.frames])
            np.testing.assert_array_equal(env.reset(options={"reset_mask": mask})[0], expected)
        expected = np.stack([np.stack(stack) for stack in model.frames])
        np.testing.assert_array_equal(env.observe(), expected, strict=True)
        np.testing.assert_array_equal(env.observe(ids), expected[ids])
    assert num_ended >= 15


def test_raw_steps_and_out() -> None:
    env, other = (
        CarRacingVectorEnv(3, frame_stack=2, autoreset_mode="SameStep", **{**SHORT, "max_episode_frames": 3})
        for _ in range(2)
    )
    out = np.zeros((3, 9, 9, 6), np.uint8)
    assert env.reset(seed=0, out=out)[0] is out
    np.testing.assert_array_equal(out, other.reset(seed=0)[0])
    for _ in range(4):
        frames, _, last_frames, _ = env.step_raw(np.zeros((3, 3)), out=out)
        theirs, _, _, truncated, infos = other.step(np.zeros((3, 3)))
        assert frames is out
        np.testing.assert_array_equal(out, theirs)
        assert (last_frames is not None) == truncated.any()
        if last_frames is not None:
            np.testing.assert_array_equal(last_frames, np.stack(infos["final_obs"]))
    with pytest.raises(ValueError, match=r"^out has shape \(3, 9, 9, 3\); expected \(3, 9, 9, 6\)$"):
        env.step(np.zeros((3, 3)), out=np.zeros((3, 9, 9, 3), np.uint8))


@pytest.mark.parametrize("steps", [0, 1, 2, 7])
def test_a_restored_stack_continues_bit_for_bit(steps: int) -> None:
    options: dict[str, Any] = {**SHORT, "frame_stack": 4}
    env, restored = CarRacingVectorEnv(2, **options), CarRacingVectorEnv(2, **options)
    frames, _ = env.reset(seed=4)
    restored.reset(seed=9)
    rng = np.random.default_rng(0)
    for _ in range(steps):
        frames, *_ = env.step(wild_driving(rng, 2))
    restored.set_state(env.get_state())
    copied = copy.deepcopy(env)
    single = CarRacingEnv(**options)
    single.set_state(env.get_state(1))
    for each in (restored, copied):
        np.testing.assert_array_equal(each.observe(), frames, strict=True)
    np.testing.assert_array_equal(single.observe(), frames[1], strict=True)
    for turn in range(10):
        actions = wild_driving(rng, 2)
        frames, *_ = env.step(actions)
        for each in (restored, copied):
            np.testing.assert_array_equal(each.step(actions)[0], frames, strict=True)
        if turn < 5 - steps:
            np.testing.assert_array_equal(single.step(actions[1])[0], frames[1], strict=True)


def test_equal_states_have_equal_bytes() -> None:
    """Whatever place in its ring buffer the newest frame has."""
    env, other = (CarRacingEnv(**SHORT, frame_stack=3) for _ in range(2))
    other.reset(seed=0)
    other.step(np.zeros(3))
    for each in (env, other):
        each.reset(seed=0)
        each.step(np.zeros(3))
    assert env.get_state() == other.get_state()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frame_stack": 3}, "the state has frame_stack 4; expected 3"),
        ({}, "the state has frame_stack 4; expected 1"),
        (
            {"frame_stack": 4, "frame_size": 8},
            "the state has frames of another size or format; expected those of this environment",
        ),
        (
            {"frame_stack": 4, "channels_first": True},
            "the state has frames of another size or format; expected those of this environment",
        ),
    ],
)
def test_a_state_with_another_stack_is_refused(options: dict[str, Any], message: str) -> None:
    env, other = CarRacingEnv(**SHORT, frame_stack=4), CarRacingEnv(**{**SHORT, **options})
    env.reset(seed=0)
    other.reset(seed=1)
    before = other.get_state()
    with pytest.raises(ValueError, match=f"^cannot restore the environment: {re.escape(message)}$"):
        other.set_state(env.get_state())
    assert other.get_state() == before


def test_without_a_stack_a_state_fits_any_format() -> None:
    env, other = CarRacingEnv(gray=True, **SHORT), CarRacingEnv(frame_size=30)
    env.reset(seed=0)
    other.set_state(env.get_state())
    fresh = CarRacingEnv(frame_size=30)
    np.testing.assert_array_equal(other.observe(), fresh.reset(seed=0)[0])


@pytest.mark.parametrize(
    "options", [GameOptions(frame_stack=3, frame_size=48), GameOptions(frame_stack=2, gray=True)]
)
def test_the_gymnasium_backend_has_stacks_too(options: GameOptions) -> None:
    native, stock = make_env(options), make_env(options, backend="gymnasium")
    assert native.observation_space == stock.observation_space
    ours, theirs = native.reset(seed=0)[0], stock.reset(seed=0)[0]
    for _ in range(5):
        assert ours.shape == theirs.shape
        assert np.abs(ours.astype(int) - theirs).mean() < 0.3
        action = np.array([0.2, 0.5, 0], np.float32)
        ours, theirs = native.step(action)[0], stock.step(action)[0]


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        (GameOptions(frame_stack=4), (96, 96, 12)),
        (GameOptions(frame_stack=4, channels_first=True), (12, 96, 96)),
        (GameOptions(frame_stack=4, gray=True), (4, 96, 96)),
        (GameOptions(frame_stack=4, gray=True, channels_first=True), (4, 96, 96)),
        (GameOptions(frame_stack=4, gray=True, keep_dim=True), (96, 96, 4)),
        (GameOptions(frame_stack=4, gray=True, keep_dim=True, channels_first=True), (4, 96, 96)),
        (GameOptions(gray=True, crop_hud=True), (84, 84)),
    ],
)
def test_observation_shape(options: GameOptions, shape: tuple[int, ...]) -> None:
    assert options.observation_shape == options.observation_space.shape == shape
    assert options.frame_shape == GameOptions(**{**vars(options), "frame_stack": 1}).observation_shape


def test_frames_scaled_from_the_surface_are_stacked() -> None:
    native = CarRacingEnv(frame_size=(100, 120), frame_stack=2)
    reference = StackFrames(CarRacingEnv(frame_size=(100, 120)), 2, channel_axis=2)
    np.testing.assert_array_equal(native.reset(seed=0)[0], reference.reset(seed=0)[0], strict=True)
    action = np.array([1, 1, 0], np.float32)
    np.testing.assert_array_equal(native.step(action)[0], reference.step(action)[0], strict=True)
