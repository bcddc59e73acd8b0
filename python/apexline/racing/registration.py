"""Registration of the native game with gymnasium."""

from __future__ import annotations

import gymnasium as gym

ID = "apexline/CarRacing-v3"


def register() -> None:
    """Registers the game unless it is registered; its modules are imported when it is made."""
    if ID in gym.registry:
        return
    gym.register(
        id=ID,
        entry_point="apexline.racing.native.env:CarRacingEnv",
        vector_entry_point="apexline.racing.native.vector_env:CarRacingVectorEnv",
        max_episode_steps=1000,
        reward_threshold=900,
    )
