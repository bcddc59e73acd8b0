from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from apexline.racing import PedalAction, random_driving


class ThreeAxes(gym.Env[Any, Any]):
    observation_space = gym.spaces.Discrete(1)
    action_space = gym.spaces.Box(np.array([-1, 0, 0], np.float32), np.array([1, 1, 1], np.float32))

    def step(self, action: Any) -> Any:
        return action, 0.0, False, False, {}


@pytest.mark.parametrize(
    ("steer_pedal", "steer_gas_brake"),
    [
        ((0.5, 0.75), (0.5, 0.75, 0)),
        ((-1, -0.25), (-1, 0, 0.25)),
        ((1, 1), (1, 1, 0)),
        ((0, -1), (0, 0, 1)),
        ((0, 0), (0, 0, 0)),
    ],
)
def test_pedal_is_gas_or_brake(steer_pedal: tuple[float, ...], steer_gas_brake: tuple[float, ...]) -> None:
    env = PedalAction(ThreeAxes())
    received = env.step(np.array(steer_pedal, np.float32))[0]
    assert received.dtype == np.float32
    np.testing.assert_array_equal(received, steer_gas_brake)
    assert env.action_space == gym.spaces.Box(-1, 1, (2,), np.float32)
    for kind in (np.float64, np.float16):
        assert env.step(np.array(steer_pedal, kind))[0].dtype == kind
    np.testing.assert_array_equal(env.step(list(steer_pedal))[0], steer_gas_brake, strict=False)


@pytest.mark.parametrize(("pedal", "low"), [(True, [-1, -1]), (False, [-1, 0, 0])])
def test_random_driving_stays_in_bounds_and_follows_its_seed(pedal: bool, low: list[float]) -> None:
    actions = random_driving(np.random.default_rng(7), 2000, pedal)
    assert actions.shape == (2000, len(low))
    assert actions.dtype == np.float32
    assert (actions >= low).all()
    assert (actions <= 1).all()
    np.testing.assert_array_equal(actions, random_driving(np.random.default_rng(7), 2000, pedal))


def test_random_pedal_is_throttle_8_times_in_10() -> None:
    steer, pedal = random_driving(np.random.default_rng(1), 10_000, pedal=True).T
    assert np.mean(pedal > 0) == pytest.approx(0.8, abs=0.016)  # four standard deviations
    assert np.mean(np.abs(pedal)) == pytest.approx(0.5, abs=0.012)
    assert np.mean(steer) == pytest.approx(0, abs=0.024)
    assert np.std(steer) == pytest.approx(1 / np.sqrt(3), abs=0.02)


def test_random_brake_is_0_8_times_in_10() -> None:
    steer, gas, brake = random_driving(np.random.default_rng(1), 10_000, pedal=False).T
    assert np.mean(brake == 0) == pytest.approx(0.8, abs=0.016)
    assert np.mean(brake[brake > 0]) == pytest.approx(0.5, abs=0.026)
    assert np.mean(gas) == pytest.approx(0.5, abs=0.012)
    assert np.mean(steer) == pytest.approx(0, abs=0.024)
