from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from apexline.racing import AreaMean, CarRacingEnv, make_env
from benchmarks.ratios.workloads.env import CIRCLING, OPTIONS
from benchmarks.ratios.workloads.native import (
    GAMES,
    NativeReset,
    NativeSize,
    NativeSize64,
    NativeSize95,
    NativeStep,
)

FOURTH = 3


def test_native_step(benchmark: Any) -> None:
    step = NativeStep()

    benchmark.pedantic(step.run, setup=step.prepare, rounds=100, warmup_rounds=5)

    step.begin()
    stock = make_env(OPTIONS, backend="gymnasium")
    stock.reset(seed=FOURTH)
    for _ in range(20):
        frames, rewards, terminated, truncated, infos = step.run()
        frame, reward, *_ = stock.step(CIRCLING)
        assert rewards[FOURTH] == reward
    assert frames.shape == (GAMES, 42, 42)
    assert np.abs(frames[FOURTH].astype(int) - frame).mean() < 1
    assert (infos["repeats"] == OPTIONS.action_repeat).all()
    assert not (terminated | truncated).any()


def test_native_reset(benchmark: Any) -> None:
    reset = NativeReset()

    frames = benchmark(reset.run)

    assert frames.shape == (GAMES, 42, 42)
    assert len({reset.env.track_snapshot(game).tiles.tobytes() for game in range(GAMES)}) == GAMES
    reset.begin()
    stock: Any = gym.make("CarRacing-v3", disable_env_checker=True).unwrapped
    stock.reset(seed=FOURTH)
    assert len(reset.env.track_snapshot(FOURTH).tiles) == len(stock.road)
    frames = reset.run()
    stock.reset()
    assert len(reset.env.track_snapshot(FOURTH).tiles) == len(stock.road)


@pytest.mark.parametrize("workload", [NativeSize64, NativeSize95])
def test_native_size(workload: type[NativeSize], benchmark: Any) -> None:
    step = workload()

    benchmark.pedantic(step.run, setup=step.prepare, rounds=100, warmup_rounds=5)

    step.begin()
    expected = AreaMean(CarRacingEnv(), step.size)
    expected.reset(seed=FOURTH)
    for _ in range(5):
        frames, whole = step.run(), step.reference()
        np.testing.assert_array_equal(frames[FOURTH], expected.step(step._actions[FOURTH])[0])
    assert whole.shape == (GAMES, 96, 96, 3)
