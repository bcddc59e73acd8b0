"""Options of the native game against the wrappers that define them, around the plain native game."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest

from apexline.racing import (
    ActionRepeat,
    AreaMean,
    CarRacingEnv,
    CarRacingVectorEnv,
    ChannelsFirst,
    CropHud,
    GameOptions,
    Grayscale,
    PedalAction,
    RoadContrast,
    SkipZoom,
    make_vector,
)

STEPS = 12


def wrapped(options: GameOptions) -> gym.Env[Any, Any]:
    """As make_stock_env wraps the stock game."""
    env: Any = CarRacingEnv()
    if options.pedal:
        env = PedalAction(env)
    if options.skip_zoom:
        env = SkipZoom(env, options.skip_zoom)
    env = ActionRepeat(env, options.action_repeat)
    if options.crop_hud:
        env = CropHud(env)
    if options.gray:
        env = Grayscale(env, keep_dim=options.keep_dim)
    if options.frame_size is not None:
        env = AreaMean(env, options.frame_size)
    if options.road_contrast:
        env = RoadContrast(env)
    return ChannelsFirst(env) if options.channels_first and len(options.frame_shape) == 3 else env


def pedalled(seed: int, axes: int) -> npt.NDArray[np.float32]:
    actions = np.random.default_rng(seed).uniform(-1, 1, (STEPS, axes)).astype(np.float32)
    actions[:, 1] = np.abs(actions[:, 1])
    if axes == 3:
        actions[:, 2] = np.maximum(actions[:, 2] - 0.5, 0)
    else:
        actions[::5, 1] *= -1
    return actions


@pytest.mark.parametrize("gray", [True, False])
@pytest.mark.parametrize(
    ("crop_hud", "size"),
    [
        *((False, 96), (False, 84), (False, 48), (False, (84, 96)), (False, (50, 77))),
        *((True, 84), (True, 64), (True, 42), (True, 1), (True, (77, 50))),
    ],
)
def test_frames(gray: bool, crop_hud: bool, size: int | tuple[int, int]) -> None:
    options = GameOptions(gray=gray, crop_hud=crop_hud, frame_size=size, action_repeat=2, channels_first=True)
    native, theirs = make_vector(options, 1), wrapped(options)
    assert native.single_observation_space == theirs.observation_space
    np.testing.assert_array_equal(native.reset(seed=1)[0][0], theirs.reset(seed=1)[0], strict=True)
    for action in pedalled(0, axes=3):
        np.testing.assert_array_equal(native.step(action[None])[0][0], theirs.step(action)[0], strict=True)


@pytest.mark.parametrize("size", [84, 42, 20])
@pytest.mark.parametrize("axes", [{}, {"keep_dim": True}, {"keep_dim": True, "channels_first": True}])
def test_road_contrast(size: int, axes: dict[str, bool]) -> None:
    options = GameOptions(
        gray=True, crop_hud=True, frame_size=size, action_repeat=4, road_contrast=True, **axes
    )
    native, theirs = make_vector(options, 1), wrapped(options)
    np.testing.assert_array_equal(native.reset(seed=1)[0][0], theirs.reset(seed=1)[0], strict=True)
    for action in pedalled(0, axes=3):
        np.testing.assert_array_equal(native.step(action[None])[0][0], theirs.step(action)[0], strict=True)


@pytest.mark.parametrize("options", [{}, {"crop_hud": True}, {"frame_size": 64}])
def test_channels_first_is_the_transposed_image(options: dict[str, Any]) -> None:
    first, last = CarRacingVectorEnv(2, channels_first=True, **options), CarRacingVectorEnv(2, **options)
    np.testing.assert_array_equal(first.reset(seed=1)[0], last.reset(seed=1)[0].transpose(0, 3, 1, 2))


@pytest.mark.parametrize(
    "options",
    [
        GameOptions(pedal=True),
        GameOptions(action_repeat=4),
        GameOptions(skip_zoom=7),
        GameOptions(pedal=True, action_repeat=3, skip_zoom=48),
    ],
)
def test_steps_and_resets(options: GameOptions) -> None:
    native, theirs = make_vector(options, 1), wrapped(options)
    assert native.single_action_space == theirs.action_space
    frames, infos = native.reset(seed=1)
    frame, info = theirs.reset(seed=1)
    np.testing.assert_array_equal(frames[0], frame)
    assert (infos["frames"][0], infos["score"][0]) == (options.skip_zoom, info.get("score", 0))
    for action in pedalled(1, axes=2 if options.pedal else 3):
        frames, rewards, terminated, truncated, infos = native.step(action[None])
        frame, reward, *ended, info = theirs.step(action)
        np.testing.assert_array_equal(frames[0], frame)
        assert [rewards[0], terminated[0], truncated[0], infos["repeats"][0]] == [
            reward,
            *ended,
            info["repeats"],
        ]
        assert (infos["frames"][0], infos["tiles"][0]) == (info["frames"], info["tiles"])
        assert infos["score"][0] == pytest.approx(info["score"], abs=1e-9)


def test_skipped_frames_count_towards_the_limit() -> None:
    native = CarRacingVectorEnv(1, skip_zoom=48, max_episode_frames=50)
    native.reset(seed=0)
    assert [bool(native.step(np.zeros((1, 3)))[3][0]) for _ in range(2)] == [False, True]
