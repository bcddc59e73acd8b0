"""Options and actions for tests of the native environments."""

from __future__ import annotations

from typing import Any

import numpy as np

from apexline.racing import CarRacingVectorEnv

SMALL: dict[str, Any] = {"gray": True, "frame_size": 8}
"""Fast to draw."""


def coast(env: CarRacingVectorEnv, **options: Any) -> Any:
    """One step without steering, gas and brake."""
    return env.step(np.zeros((env.num_envs, 3), np.float32), **options)
