"""Defaults of AgentConfig and NoiseConfig."""

from __future__ import annotations

import dataclasses

import pytest

from apexline.agent import AgentConfig, LinearSchedule, NoiseConfig


def test_the_defaults() -> None:
    config = AgentConfig()
    assert (config.encoder, config.trunk_features, config.hidden) == ("small42", 64, (256, 256))
    assert (config.actor_lr, config.critic_lr, config.tau) == (
        LinearSchedule(3e-4),
        LinearSchedule(3e-4),
        0.01,
    )
    assert (config.huber_delta, config.preactivation_penalty) == (1.0, 1e-3)
    noise = NoiseConfig()
    assert noise.sigma == LinearSchedule(1.0, 0.5, 80_000)
    assert noise.env_factors == (0.02, 0.05, 0.1, 0.1, 0.2, 0.2, 0.3, 0.4)


def test_configs_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        AgentConfig().tau = 1.0
