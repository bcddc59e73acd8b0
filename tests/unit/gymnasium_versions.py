"""Tests that compare with something that gymnasium changed in 1.4; `make test-oldest` runs the others with 1.1.1."""

from __future__ import annotations

import gymnasium as gym
import pytest

IS_1_4 = tuple(int(part) for part in gym.__version__.split(".")[:2]) >= (1, 4)


def since_1_4(change: str) -> pytest.MarkDecorator:
    """Skips a test on older versions; `change` is what they do differently."""
    return pytest.mark.skipif(not IS_1_4, reason=f"gymnasium before 1.4 {change}")


same_score_text = since_1_4("formats the score differently")
