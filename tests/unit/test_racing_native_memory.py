"""Memory stays flat over resets. The long version is tests/by_hand/racing_resets.py."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from apexline.racing import CarRacingVectorEnv

STATM = Path("/proc/self/statm")
PAGE = 4096


def resident() -> int:
    """Bytes of this process in memory."""
    return int(STATM.read_text().split()[1]) * PAGE


def drive(env: CarRacingVectorEnv, steps: int) -> None:
    actions = np.full((env.num_envs, 3), [0.3, 1, 0], np.float32)
    for step in range(steps):
        env.step(actions)
        if step % 50 == 0:
            env.set_state(env.get_state())
            env.render()


def make() -> CarRacingVectorEnv:
    env = CarRacingVectorEnv(
        4, render_mode="state_pixels", autoreset_mode=AutoresetMode.SAME_STEP, max_episode_frames=2
    )
    env.reset(seed=0)
    return env


@pytest.mark.skipif(not STATM.exists(), reason="reads /proc")
def test_resets_do_not_leak() -> None:
    """1200 resets; a leak of one track per reset would be 1200 times 30 kB."""
    env = make()
    drive(env, 200)
    before = resident()
    drive(env, 600)
    assert resident() - before < 8 * 2**20


def test_python_keeps_no_arrays() -> None:
    env = make()
    drive(env, 20)
    gc.collect()
    tracemalloc.start()
    drive(env, 20)
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    drive(env, 100)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 20_000


@pytest.mark.skipif(not STATM.exists(), reason="reads /proc")
def test_close_frees_memory() -> None:
    for _ in range(3):
        make().close()
    before = resident()
    for _ in range(40):
        make().close()
    assert resident() - before < 8 * 2**20
