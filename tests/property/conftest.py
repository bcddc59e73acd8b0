"""Hypothesis without deadlines (shared machines stall); reproducible in CI."""

import os

from hypothesis import settings

settings.register_profile("local", deadline=None, max_examples=80, stateful_step_count=30)
settings.register_profile("ci", settings.get_profile("local"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")
