"""LinearSchedule: its values, its float32 form on a device, and what it refuses."""

from __future__ import annotations

import math

import pytest
import torch

from apexline.agent import AgentConfig, LinearSchedule, NoiseConfig


def test_it_is_linear_then_constant() -> None:
    schedule = LinearSchedule(1.0, 0.5, 100)
    assert [schedule(t) for t in (0, 25, 50, 100, 1000)] == [1.0, 0.875, 0.75, 0.5, 0.5]


def test_without_an_end_it_is_constant() -> None:
    schedule = LinearSchedule(0.3)
    assert {schedule(t) for t in (0, 1, 10**12)} == {0.3}


def test_on_a_device_it_is_float32_and_multiplicative() -> None:
    """The form of the learning rate: the same bits as rate * (1 - (1 - fraction) * progress)."""
    updates = torch.arange(0, 300_000, 17)
    progress = (updates / 250_000).clamp(max=1)
    value = LinearSchedule(3e-4, 1.5e-5, 250_000).of_tensor(updates)
    assert value.dtype == torch.float32
    assert torch.equal(value, 3e-4 * (1 - (1 - 0.05) * progress))
    assert torch.equal(LinearSchedule(0.5).of_tensor(updates[:2]), torch.tensor([0.5, 0.5]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((math.nan,), "start is nan; expected a finite number"),
        ((1.0, math.inf, 5), "end is inf; expected a finite number"),
        ((1.0, 0.5), "end is 0.5 and over is None; expected both or neither"),
        ((1.0, None, 5), "end is None and over is 5; expected both or neither"),
        ((1.0, 0.5, 0), "over is 0; expected >= 1"),
    ],
)
def test_invalid_arguments_are_refused(arguments: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LinearSchedule(*arguments)  # type: ignore[arg-type]


def test_learning_rates_and_sigma_check_their_schedules() -> None:
    with pytest.raises(ValueError, match=r"actor_lr\.start is 0; expected > 0"):
        AgentConfig(actor_lr=LinearSchedule(0))
    with pytest.raises(ValueError, match=r"critic_lr\.end is -1; expected >= 0"):
        AgentConfig(critic_lr=LinearSchedule(1, -1, 5))
    with pytest.raises(ValueError, match=r"sigma\.end is -1; expected >= 0"):
        NoiseConfig(sigma=LinearSchedule(1, -1, 5))
