"""The stock CarRacing-v3, one game or a vector of them."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium as gym
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from apexline.racing.options import EnvOptions
from apexline.racing.stock.workers import RacingWorkers
from apexline.racing.stock.wrappers.action_repeat import ActionRepeat
from apexline.racing.stock.wrappers.actions import PedalAction
from apexline.racing.stock.wrappers.pixels import AreaMean, ChannelsFirst, CropHud, Grayscale, RoadContrast
from apexline.racing.stock.wrappers.score import UnshapedScore
from apexline.racing.stock.wrappers.shaping import add_shaping
from apexline.racing.stock.wrappers.skip_zoom import SkipZoom
from apexline.racing.types import Env


def make_env(options: EnvOptions, *, training: bool, render_mode: str | None = None) -> Env:
    """One game that yields single frames, `options.frame_shape` uint8.

    From the game outwards: PedalAction, SkipZoom, ActionRepeat, UnshapedScore; in training LapTermination,
    MissedTilePenalty, IdlePenalty, StallTermination; CropHud, Grayscale, AreaMean, RoadContrast, ChannelsFirst.
    ActionRepeat and UnshapedScore are always there, ChannelsFirst where frames have colours, and each other one
    where `options` ask for it.

    Raises gymnasium.error.DependencyNotInstalled without `gymnasium[box2d]`.
    """
    env: Env = gym.make("CarRacing-v3", disable_env_checker=True, render_mode=render_mode)
    if options.pedal:
        env = PedalAction(env)
    if options.skip_zoom > 0:
        env = SkipZoom(env, options.skip_zoom)
    env = UnshapedScore(ActionRepeat(env, options.action_repeat))
    if training:
        env = add_shaping(env, options.rules)
    if options.crop_hud:
        env = CropHud(env)
    if options.gray:
        env = Grayscale(env)
    if options.frame_size != options.visible_side:
        env = AreaMean(env, options.frame_size)
    if options.road_contrast:
        env = RoadContrast(env)
    return env if options.gray else ChannelsFirst(env)


def make_vector(
    options: EnvOptions,
    num_envs: int,
    *,
    training: bool = True,
    asynchronous: bool,
    render_first: bool = False,
) -> VectorEnv[Any, Any, Any]:
    """`num_envs` games stepped together: frames (num_envs, *frame_shape) uint8, each return a fresh copy.

    A game that ends is reset in the same step: `infos["final_obs"][i]` is its true last frame and
    `infos["final_info"]` the infos of the ended episode; frames and other infos belong to the new one.
    `asynchronous` gives each game a process (see RacingWorkers), otherwise all run in this one.
    `render_first` opens a window on the first game, which holds it to real time.

    Raises ValueError where num_envs < 1.
    """
    if num_envs < 1:
        raise ValueError(f"num_envs is {num_envs}; it must be >= 1")
    modes = ["human" if render_first else None, *[None] * (num_envs - 1)]
    games = [partial(make_env, options, training=training, render_mode=mode) for mode in modes]
    if asynchronous:
        return RacingWorkers(games)
    return SyncVectorEnv(games, autoreset_mode=AutoresetMode.SAME_STEP)
