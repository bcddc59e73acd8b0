"""Masks of the native environment whose True is a byte other than 1, as in views and image masks."""

import numpy as np
import pytest

from apexline.racing import CarRacingVectorEnv
from apexline.racing.native.rng import generator_state

from .native_racing import SMALL, coast

MASK = [True, False, True]


def as_byte(flags, byte):
    return (np.array(flags) * np.uint8(byte)).view(bool)


@pytest.mark.parametrize("byte", [2, 4, 255])
def test_a_reset_mask_selects_the_same_environments(byte):
    results = []
    for true in (1, byte):
        env = CarRacingVectorEnv(num_envs=3, **SMALL)
        env.reset(seed=3)
        for _ in range(4):
            coast(env)
        frames, infos = env.reset(seed=[7, None, 9], options={"reset_mask": as_byte(MASK, true)})
        results.append(
            (frames.tobytes(), infos["frames"].tolist(), infos["_frames"].tobytes(), coast(env)[0].tobytes())
        )
    assert results[0] == results[1]


@pytest.mark.parametrize("byte", [2, 4, 255])
def test_every_mask_of_the_core(byte):
    states = np.stack([generator_state(np.random.default_rng(seed)) for seed in range(3)])
    results = []
    for true in (1, byte):
        envs = CarRacingVectorEnv(num_envs=3, domain_randomize=True, **SMALL)
        world = envs._games.world
        every = as_byte([True] * 3, true)
        world.reset(every, every, every, states)
        frames, _ = world.reset(every, as_byte(MASK, true), as_byte(MASK[::-1], true), states)
        results.append((frames.tobytes(), [world.random_state(env).tolist() for env in range(3)]))
    assert results[0] == results[1]
