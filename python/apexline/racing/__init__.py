"""CarRacing-v3 in two backends: `native`, in C++, and `gymnasium`, the stock game with wrappers. Needs gymnasium."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("gymnasium") is None:
    raise ImportError('apexline.racing needs gymnasium: pip install "apexline[racing]"')

from apexline.racing.make import Backend, make_env, make_vector
from apexline.racing.native.env import CarRacingEnv
from apexline.racing.native.errors import InvalidActionError
from apexline.racing.native.snapshots import CarSnapshot, SkidMark, TrackSnapshot
from apexline.racing.native.vector_env import CarRacingVectorEnv
from apexline.racing.options import GameKwargs, GameOptions, ShapingRules
from apexline.racing.random_driving import random_driving
from apexline.racing.registration import register
from apexline.racing.stock.workers import RacingWorkers, WorkerDiedError, WorkerHungError
from apexline.racing.stock.wrappers.action_repeat import ActionRepeat
from apexline.racing.stock.wrappers.actions import PedalAction
from apexline.racing.stock.wrappers.missed_tiles import MissedTilePenalty
from apexline.racing.stock.wrappers.pixels import AreaMean, ChannelsFirst, CropHud, Grayscale, RoadContrast
from apexline.racing.stock.wrappers.score import UnshapedScore
from apexline.racing.stock.wrappers.shaping import IdlePenalty, LapTermination, Shaping, StallTermination
from apexline.racing.stock.wrappers.skip_zoom import SkipZoom
from apexline.racing.stock.wrappers.stack_frames import StackFrames
from apexline.racing.stock.wrappers.surface_size import SurfaceSize

__all__ = [
    "ActionRepeat",
    "AreaMean",
    "Backend",
    "CarRacingEnv",
    "CarRacingVectorEnv",
    "CarSnapshot",
    "ChannelsFirst",
    "CropHud",
    "GameKwargs",
    "GameOptions",
    "Grayscale",
    "IdlePenalty",
    "InvalidActionError",
    "LapTermination",
    "MissedTilePenalty",
    "PedalAction",
    "RacingWorkers",
    "RoadContrast",
    "Shaping",
    "ShapingRules",
    "SkidMark",
    "SkipZoom",
    "StackFrames",
    "StallTermination",
    "SurfaceSize",
    "TrackSnapshot",
    "UnshapedScore",
    "WorkerDiedError",
    "WorkerHungError",
    "make_env",
    "make_vector",
    "random_driving",
]

register()
