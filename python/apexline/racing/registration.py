"""Registration of the native game with gymnasium."""

from __future__ import annotations

import gymnasium as gym

from apexline.racing.native.specs import REGISTERED


def register() -> None:
    """Registers the game unless it is registered."""
    if REGISTERED["id"] not in gym.registry:
        gym.register(**REGISTERED)
