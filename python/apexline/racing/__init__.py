"""CarRacing-v3: the native game, and the stock one as apexline trains on it, with composable wrappers and rules."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("gymnasium") is None:
    raise ImportError('apexline.racing needs gymnasium: pip install "apexline[racing]"')

from apexline.racing.native.env import CarRacingEnv, make_native_env
from apexline.racing.native.snapshots import CarSnapshot, SkidMark, TrackSnapshot
from apexline.racing.native.vector_env import CarRacingVectorEnv, make_native_vector
from apexline.racing.options import EnvOptions, ShapingRules
from apexline.racing.registration import register
from apexline.racing.stock.make import make_env, make_vector
from apexline.racing.stock.workers import RacingWorkers, WorkerDiedError
from apexline.racing.stock.wrappers.action_repeat import ActionRepeat
from apexline.racing.stock.wrappers.actions import PedalAction, random_driving
from apexline.racing.stock.wrappers.missed_tiles import MissedTilePenalty
from apexline.racing.stock.wrappers.pixels import AreaMean, ChannelsFirst, CropHud, Grayscale, RoadContrast
from apexline.racing.stock.wrappers.score import UnshapedScore
from apexline.racing.stock.wrappers.shaping import IdlePenalty, LapTermination, StallTermination, add_shaping
from apexline.racing.stock.wrappers.skip_zoom import SkipZoom

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
    "IdlePenalty",
    "LapTermination",
    "MissedTilePenalty",
    "PedalAction",
    "RacingWorkers",
    "RoadContrast",
    "ShapingRules",
    "SkidMark",
    "SkipZoom",
    "StallTermination",
    "TrackSnapshot",
    "UnshapedScore",
    "WorkerDiedError",
    "add_shaping",
    "make_env",
    "make_native_env",
    "make_native_vector",
    "make_vector",
    "random_driving",
]

register()
