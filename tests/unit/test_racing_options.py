from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import pytest

from apexline.racing import EnvOptions, ShapingRules


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        (EnvOptions(), (3, 96, 96)),
        (EnvOptions(crop_hud=True, frame_size=84), (3, 84, 84)),
        (EnvOptions(gray=True), (96, 96)),
        (EnvOptions(crop_hud=True, gray=True, frame_size=42), (42, 42)),
    ],
)
def test_frame_shape(options: EnvOptions, shape: tuple[int, ...]) -> None:
    assert options.frame_shape == shape


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"action_repeat": 0}, "action_repeat is 0; it must be >= 1"),
        ({"frame_size": 0}, "frame_size is 0; it must be between 1 and 96"),
        ({"frame_size": 97}, "frame_size is 97; it must be between 1 and 96"),
        ({"frame_size": 85, "crop_hud": True}, "frame_size is 85; it must be between 1 and 84"),
    ],
)
def test_env_options_out_of_range(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        EnvOptions(**fields)


@pytest.mark.parametrize(
    ("field", "value", "demand"),
    [
        ("stall_steps", -1, ">= 0 and below 2**31"),
        ("stall_steps", 2**31, ">= 0 and below 2**31"),
        ("missed_tile_margin", -1, ">= 0 and below 2**31"),
        ("stall_penalty", -0.5, "finite and >= 0"),
        ("stall_penalty", math.inf, "finite and >= 0"),
        ("idle_penalty", -1.0, "finite and >= 0"),
        ("missed_tile_penalty", math.nan, "finite and >= 0"),
        ("lap_bonus", -1.0, "finite and >= 0"),
        ("lap_bonus", math.nan, "finite and >= 0"),
    ],
)
def test_training_rules_out_of_range(field: str, value: float, demand: str) -> None:
    with pytest.raises(ValueError, match=f"^{field} is {value}; it must be {re.escape(demand)}$"):
        ShapingRules(**{field: value})


def test_options_are_frozen_and_checked_again_when_replaced() -> None:
    options = EnvOptions(crop_hud=True, frame_size=84)
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.gray = True
    with pytest.raises(ValueError, match="action_repeat is -1"):
        dataclasses.replace(options, action_repeat=-1)
