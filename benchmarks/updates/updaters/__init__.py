"""Gradient updates of apexline and of others, on the same networks and batch: what `updates.py` times."""

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
"""The first two are what the others are held against."""

__all__ = ["UPDATERS", "Setting", "Updater"]
