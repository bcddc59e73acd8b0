"""The collector finds the same episodes and rewards with both backends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.envs.box2d.car_racing import CarRacing

from apexline.agent import NoiseConfig, make_noise
from apexline.racing import GameOptions, ShapingRules, make_vector, random_driving
from apexline.replay import PrioritizedFrameReplay
from apexline.training.acting.collector import Collector
from apexline.training.acting.environment_step import Episode

LANES = 2
OPTIONS = GameOptions(
    action_repeat=4,
    crop_hud=True,
    gray=True,
    frame_size=42,
    pedal=True,
    skip_zoom=9,
)
RULES = ShapingRules(stall_steps=7, missed_tile_penalty=2.0)


def collect(envs: Any) -> tuple[list[Episode], int, float]:
    """Episodes of 80 random steps, game frames, and the sum of the rewards of a sample."""
    replay = PrioritizedFrameReplay(
        capacity=400, num_envs=LANES, frame_shape=OPTIONS.frame_shape, action_shape=(2,), frame_stack=3
    )
    rng = np.random.default_rng(0)
    collector = Collector(
        envs,
        replay,
        lambda _: random_driving(rng, LANES, pedal=True),
        make_noise(NoiseConfig(kind="none"), LANES, 2, seed=0),
        random_actions=lambda: random_driving(rng, LANES, pedal=True),
        learning_starts=0,
        reward_scale=1.0,
    )
    collector.reset(seed=50)
    episodes = []
    for _ in range(80):
        collector.begin()
        episodes += collector.finish()
    return episodes, collector.frames, float(replay.sample(256).reward.sum())


def test_both_backends_give_the_same_episodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CarRacing, "_render", lambda *_: np.zeros((96, 96, 3), np.uint8))
    native = collect(make_vector(OPTIONS, LANES, rules=RULES))
    assert native == collect(make_vector(OPTIONS, LANES, backend="gymnasium", rules=RULES))
    episodes, _, _ = native
    assert len(episodes) >= 4
