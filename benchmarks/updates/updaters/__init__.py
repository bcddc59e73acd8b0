"""Gradient updates of apexline and other libraries on the same networks and batch, timed by `compare.py`."""

from __future__ import annotations

from benchmarks.updates.updaters.apexline import Apexline, ApexlineFloat, ApexlineSingle
from benchmarks.updates.updaters.cleanrl import CleanRL
from benchmarks.updates.updaters.drqv2 import DrQv2, DrQv2Unshifted
from benchmarks.updates.updaters.stable_baselines3 import StableBaselines3, StableBaselines3Shared
from benchmarks.updates.updaters.updater import Setting, Updater

UPDATERS: tuple[type[Updater], ...] = (
    ApexlineSingle,
    Apexline,
    ApexlineFloat,
    StableBaselines3,
    StableBaselines3Shared,
    CleanRL,
    DrQv2Unshifted,
    DrQv2,
)
"""The ratios of the others are to the first two."""

__all__ = ["UPDATERS", "Setting", "Updater"]
