"""The render modes "rgb_array_list" and "state_pixels_list", and videos, of CarRacingVectorEnv."""

from __future__ import annotations

import copy
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from apexline.racing import CarRacingVectorEnv

from .gymnasium_versions import same_score_text, since_1_4
from .native_racing import SMALL
from .stock_racing import wild_driving
from .videos import Video

MODES = list(AutoresetMode)


def stock(mode: AutoresetMode, render_mode: str, steps: int, num_envs: int = 2) -> Any:
    make = [lambda: gym.make("CarRacing-v3", render_mode=render_mode, max_episode_steps=steps)] * num_envs
    return SyncVectorEnv(make, autoreset_mode=mode)


def assert_same_lists(ours: Any, theirs: Any) -> None:
    assert type(ours) is type(theirs) is tuple
    assert [len(images) for images in ours] == [len(images) for images in theirs]
    for our_list, their_list in zip(ours, theirs, strict=True):
        assert type(our_list) is type(their_list) is list
        for image, expected in zip(our_list, their_list, strict=True):
            np.testing.assert_array_equal(image, expected, strict=True)


@same_score_text
@pytest.mark.parametrize("render_mode", ["rgb_array_list", "state_pixels_list"])
@pytest.mark.parametrize("mode", MODES)
def test_lists_are_those_of_gymnasiums_render_collection(mode: AutoresetMode, render_mode: str) -> None:
    native = CarRacingVectorEnv(2, autoreset_mode=mode, render_mode=render_mode, max_episode_steps=6, **SMALL)
    envs = (native, stock(mode, render_mode, 6))
    assert native.render_mode == envs[1].render_mode == render_mode
    assert envs[0].render() == ([], [])
    for env in envs:
        env.reset(seed=[3, 8])
    rng = np.random.default_rng(0)
    for step in range(1, 20):
        actions = wild_driving(rng, 2)
        for env in envs:
            _, _, terminated, truncated, _ = env.step(actions)
            ended = terminated | truncated
            if step == 9:
                env.reset(options={"reset_mask": np.array([False, True])})
            elif mode is AutoresetMode.DISABLED and ended.any():
                env.reset(options={"reset_mask": ended})
        if step in (1, 4, 9, 11, 19):
            assert_same_lists(*(env.render() for env in envs))
    assert_same_lists(*(env.render() for env in envs))
    for env in envs:
        env.reset(seed=1)
        env.close()
    assert native.metadata == envs[1].metadata


def test_a_refused_step_adds_no_image() -> None:
    env = CarRacingVectorEnv(1, render_mode="state_pixels_list", **SMALL)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="nan"):
        env.step(np.full((1, 3), np.nan))
    assert [len(images) for images in env.render()] == [1]


def test_step_raw_collects_images_too_and_copies_keep_them() -> None:
    env = CarRacingVectorEnv(1, render_mode="state_pixels_list", **SMALL)
    env.reset(seed=0)
    env.step_raw(np.zeros((1, 3)))
    twin = copy.deepcopy(env)
    assert_same_lists(twin.render(), env.render())
    assert twin.render() == env.render() == ([],)


@since_1_4("has no RecordVideo for vectors")
@pytest.mark.filterwarnings("ignore:.*autoreset mode is same-step:UserWarning")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("render_mode", ["rgb_array", "state_pixels"])
def test_videos_are_those_of_sync_vector_env(
    mode: AutoresetMode, render_mode: str, videos: dict[str, Video], tmp_path: Any
) -> None:
    native = CarRacingVectorEnv(2, autoreset_mode=mode, render_mode=render_mode, max_episode_steps=5, **SMALL)
    for name, base in (("ours", native), ("theirs", stock(mode, render_mode, 5))):
        env = gym.wrappers.vector.RecordVideo(
            base, str(tmp_path / name), episode_trigger=lambda episode: episode != 1, name_prefix=name
        )
        env.reset(seed=4)
        rng = np.random.default_rng(0)
        for _ in range(14):
            _, _, terminated, truncated, _ = env.step(wild_driving(rng, 2))
            ended = terminated | truncated
            if mode is AutoresetMode.DISABLED and ended.any():
                env.reset(options={"reset_mask": ended})
        env.close()
    ours = {name.removeprefix("ours"): video for name, video in videos.items() if name.startswith("ours")}
    theirs = {name.removeprefix("theirs"): video for name, video in videos.items() if "theirs" in name}
    assert ours.keys() == theirs.keys() == {"-episode-0.mp4", "-episode-2.mp4"}
    for name, video in theirs.items():
        assert ours[name].fps == video.fps == 50
        np.testing.assert_array_equal(ours[name].images, video.images, strict=True)
