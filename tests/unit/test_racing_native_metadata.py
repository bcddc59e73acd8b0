"""What the environments declare to gymnasium: their specs, their metadata, and the videos made with them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import RecordVideo

from apexline.racing import CarRacingEnv, CarRacingVectorEnv

from .gymnasium_versions import since_1_4
from .native_racing import SMALL
from .stock_racing import CarRacing, stock_vector
from .videos import Video

ID = "apexline/CarRacing-v3"


def test_the_spec_is_that_of_the_stock_game() -> None:
    own = {"id", "entry_point", "vector_entry_point", "namespace", "name", "version"}
    ours, theirs = gym.spec(ID), gym.spec("CarRacing-v3")
    fields = [field.name for field in dataclasses.fields(theirs) if field.name not in own]
    assert "max_episode_steps" in fields
    assert "reward_threshold" in fields
    for name in fields:
        assert getattr(ours, name) == getattr(theirs, name), name
    assert (ours.name, ours.version) == (theirs.name, theirs.version)


@since_1_4("declares other metadata")
def test_metadata_is_that_of_the_stock_game() -> None:
    assert CarRacingEnv(**SMALL).metadata == CarRacing.metadata
    assert CarRacingEnv.metadata == CarRacing.metadata


@pytest.mark.parametrize(("action_repeat", "rate"), [(1, 50), (2, 25), (4, 12.5), (3, 50 / 3)])
def test_the_frame_rate_is_that_of_steps(action_repeat: int, rate: float) -> None:
    options: dict[str, Any] = {"action_repeat": action_repeat, "render_mode": "rgb_array", **SMALL}
    envs: list[Any] = [
        CarRacingEnv(**options),
        gym.make(ID, **options),
        CarRacingVectorEnv(1, **options),
        gym.make_vec(ID, num_envs=1, **options),
    ]
    for env in envs:
        assert env.metadata["render_fps"] == rate
    assert CarRacingEnv.metadata["render_fps"] == CarRacingVectorEnv.metadata["render_fps"] == 50


def test_a_video_lasts_as_long_as_its_game(videos: dict[str, Video], tmp_path: Path) -> None:
    env: Any = gym.make(ID, render_mode="rgb_array", action_repeat=4, max_episode_steps=20, **SMALL)
    env = RecordVideo(env, str(tmp_path / "videos"), episode_trigger=lambda _: True)
    env.reset(seed=0)
    for _ in range(20):
        *_, info = env.step(np.zeros(3))
    env.close()
    assert info["frames"] == 80
    (video,) = videos.values()
    # The image of the reset and 20 of steps, 0.08 s of game each.
    assert video.seconds == pytest.approx(21 * 0.08)


@pytest.mark.parametrize("options", [[], (), {}, None])
def test_other_options_of_a_reset_of_a_vector_are_none(options: Any) -> None:
    ours = CarRacingVectorEnv(2, render_mode="state_pixels", domain_randomize=True)
    theirs = stock_vector(2, AutoresetMode.NEXT_STEP, domain_randomize=True)
    for envs in (ours, theirs):
        envs.reset(seed=1)
        envs.reset(options=options)
    random: Any = theirs.get_attr("np_random")
    for our_random, their_random in zip(ours.np_random, random, strict=True):
        assert our_random.bit_generator.state == their_random.bit_generator.state
