"""Type aliases over gymnasium and NumPy."""

from __future__ import annotations

from typing import Any, TypeAlias

import gymnasium as gym
import numpy as np
import numpy.typing as npt

Env: TypeAlias = gym.Env[Any, Any]
Wrapper: TypeAlias = gym.Wrapper[Any, Any, Any, Any]
Frame: TypeAlias = npt.NDArray[np.uint8]
"""One frame, or with an axis in front frames of many environments."""
Info: TypeAlias = dict[str, Any]
Reset: TypeAlias = tuple[Any, Info]
"""Observation and info."""
Step: TypeAlias = tuple[Any, float, bool, bool, Info]
"""Observation, reward, terminated, truncated and info."""
