"""CarRacing-v3 as apexline trains on it: options, composable wrappers, training rules, vectors of games."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("gymnasium") is None:
    raise ImportError('apexline.racing needs gymnasium: pip install "apexline[racing]"')

from apexline.racing.action_repeat import ActionRepeat
from apexline.racing.actions import PedalAction, random_driving
from apexline.racing.options import EnvOptions, TrainingRules
from apexline.racing.pixels import AreaMean, ChannelsFirst, CropHud, Grayscale
from apexline.racing.rules import FullLap, LapEnd, StallEnd, add_rules
from apexline.racing.score import UnshapedScore
from apexline.racing.skipped_tiles import SkippedTiles
from apexline.racing.stock import make_env, make_vector
from apexline.racing.workers import RacingWorkers, WorkerDied

__all__ = [
    "ActionRepeat",
    "AreaMean",
    "ChannelsFirst",
    "CropHud",
    "EnvOptions",
    "FullLap",
    "Grayscale",
    "LapEnd",
    "PedalAction",
    "RacingWorkers",
    "SkippedTiles",
    "StallEnd",
    "TrainingRules",
    "UnshapedScore",
    "WorkerDied",
    "add_rules",
    "make_env",
    "make_vector",
    "random_driving",
]
