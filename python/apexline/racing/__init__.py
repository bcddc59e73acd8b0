"""CarRacing-v3: the native game, and the stock one as apexline trains on it, with composable wrappers and rules."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("gymnasium") is None:
    raise ImportError('apexline.racing needs gymnasium: pip install "apexline[racing]"')

from apexline.racing.action_repeat import ActionRepeat
from apexline.racing.actions import PedalAction, random_driving
from apexline.racing.env import CarRacingEnv, make_native_env
from apexline.racing.options import EnvOptions, TrainingRules
from apexline.racing.pixels import AreaMean, ChannelsFirst, CropHud, Grayscale, RoadContrast
from apexline.racing.registration import register
from apexline.racing.rules import IdleCost, LapEnd, StallEnd, add_rules
from apexline.racing.score import UnshapedScore
from apexline.racing.skip_zoom import SkipZoom
from apexline.racing.skipped_tiles import SkippedTiles
from apexline.racing.snapshots import CarSnapshot, SkidMark, TrackSnapshot
from apexline.racing.stock import make_env, make_vector
from apexline.racing.vector_env import CarRacingVectorEnv, make_native_vector
from apexline.racing.workers import RacingWorkers, WorkerDied

__all__ = [
    "ActionRepeat",
    "AreaMean",
    "CarRacingEnv",
    "CarRacingVectorEnv",
    "CarSnapshot",
    "ChannelsFirst",
    "CropHud",
    "EnvOptions",
    "Grayscale",
    "IdleCost",
    "LapEnd",
    "PedalAction",
    "RacingWorkers",
    "RoadContrast",
    "SkidMark",
    "SkipZoom",
    "SkippedTiles",
    "StallEnd",
    "TrackSnapshot",
    "TrainingRules",
    "UnshapedScore",
    "WorkerDied",
    "add_rules",
    "make_env",
    "make_native_env",
    "make_native_vector",
    "make_vector",
    "random_driving",
]

register()
