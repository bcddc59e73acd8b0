"""Exploration noise: distributions, schedule, factors per environment, state."""

from __future__ import annotations

import json

import numpy as np
import pytest

from apexline.agent import GaussianNoise, LinearSchedule, NoiseConfig, OrnsteinUhlenbeckNoise, make_noise

STEADY = NoiseConfig(sigma=LinearSchedule(0.3), env_factors=())
OU = NoiseConfig(kind="ou", sigma=LinearSchedule(0.3), env_factors=())


def test_the_factors_spread_over_the_environments() -> None:
    factors = (0.1, 0.2, 0.4)
    for envs, expected in [
        (3, [0.1, 0.2, 0.4]),
        (6, [0.1, 0.1, 0.2, 0.2, 0.4, 0.4]),
        (2, [0.1, 0.2]),
        (4, [0.1, 0.1, 0.2, 0.4]),
    ]:
        noise = make_noise(NoiseConfig(sigma=LinearSchedule(2.0), env_factors=factors), envs, 1, seed=0)
        np.testing.assert_allclose(noise.scale(0)[:, 0], 2 * np.array(expected))


@pytest.mark.parametrize(("steps", "expected"), [(0, 1.0), (25, 0.875), (50, 0.75), (100, 0.5), (1000, 0.5)])
def test_sigma_is_annealed_linearly(steps: int, expected: float) -> None:
    config = NoiseConfig(sigma=LinearSchedule(1.0, 0.5, 100), env_factors=())
    assert make_noise(config, 1, 1, seed=0).scale(steps) == pytest.approx(expected)


def test_gaussian_noise_has_the_deviation_of_each_environment() -> None:
    config = NoiseConfig(sigma=LinearSchedule(1.0), env_factors=(0.1, 0.4))
    noise = make_noise(config, 2, 3, seed=0)
    samples = np.stack([noise.sample(0) for _ in range(20_000)])
    assert samples.shape == (20_000, 2, 3)
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples.std(0), [[0.1] * 3, [0.4] * 3], rtol=0.03)
    np.testing.assert_allclose(samples.mean(0), 0, atol=0.01)
    correlations = np.corrcoef(samples.reshape(20_000, 6).T) - np.eye(6)
    assert np.abs(correlations).max() < 0.03


def test_ou_is_the_recursion_of_keras_rl() -> None:
    config = NoiseConfig(kind="ou", theta=0.15, mu=0.2, dt=0.01, sigma=LinearSchedule(0.3), env_factors=())
    noise = make_noise(config, 2, 3, seed=5)
    normals = np.random.default_rng(5)
    x = np.zeros((2, 3))
    for _ in range(50):
        x = x + 0.15 * (0.2 - x) * 0.01 + 0.3 * np.sqrt(0.01) * normals.normal(size=(2, 3))
        np.testing.assert_allclose(noise.sample(0), x, rtol=1e-5)


def test_ou_converges_to_its_stationary_distribution() -> None:
    config = NoiseConfig(kind="ou", theta=0.5, mu=1.0, dt=0.1, sigma=LinearSchedule(0.3), env_factors=())
    noise = make_noise(config, 4000, 1, seed=0)
    for _ in range(200):
        x = noise.sample(0)
    factor = 1 - 0.5 * 0.1
    assert x.mean() == pytest.approx(1.0, abs=0.02)
    assert x.std() == pytest.approx(0.3 * np.sqrt(0.1 / (1 - factor**2)), rel=0.04)
    following = noise.sample(0)
    assert np.corrcoef(x[:, 0], following[:, 0])[0, 1] == pytest.approx(factor, abs=0.01)


def test_reset_applies_to_the_masked_environments_only() -> None:
    noise = make_noise(OU, 3, 2, seed=0)
    assert isinstance(noise, OrnsteinUhlenbeckNoise)
    noise.sample(0)
    before = noise.x.copy()
    noise.reset(np.array([False, True, False]))
    assert not noise.x[1].any()
    np.testing.assert_array_equal(noise.x[[0, 2]], before[[0, 2]])


@pytest.mark.parametrize("config", [STEADY, OU])
def test_the_state_round_trips_through_json(config: NoiseConfig) -> None:
    noise = make_noise(config, 3, 2, seed=1)
    noise.sample(0)
    resumed = make_noise(config, 3, 2, seed=2)
    resumed.load_state_dict(json.loads(json.dumps(noise.state_dict())))
    for steps in range(5):
        np.testing.assert_array_equal(noise.sample(steps), resumed.sample(steps))


@pytest.mark.parametrize("config", [STEADY, OU])
def test_noise_is_determined_by_the_seed(config: NoiseConfig) -> None:
    first, second, other = (make_noise(config, 3, 2, seed).sample(0) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert not np.isclose(first, other).any()


def test_a_sample_is_not_overwritten_by_the_next() -> None:
    noise = make_noise(OU, 1, 1, seed=0)
    first = noise.sample(0)
    kept = first.copy()
    noise.sample(1)
    np.testing.assert_array_equal(first, kept)


def test_kind_none_is_zero() -> None:
    noise = make_noise(NoiseConfig(kind="none"), 2, 3, seed=0)
    assert not noise.sample(0).any()
    noise.reset(np.array([True, True]))


def test_make_noise_returns_the_configured_kind() -> None:
    assert isinstance(make_noise(STEADY, 1, 1, 0), GaussianNoise)
    assert isinstance(make_noise(OU, 1, 1, 0), OrnsteinUhlenbeckNoise)


@pytest.mark.parametrize(("envs", "actions"), [(0, 2), (2, 0)])
def test_sizes_below_one_are_named(envs: int, actions: int) -> None:
    with pytest.raises(ValueError, match=f"num_envs is {envs} and action_size is {actions}; expected >= 1"):
        make_noise(STEADY, envs, actions, seed=0)
