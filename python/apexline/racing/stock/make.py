"""gymnasium's CarRacing-v3 with the wrappers that GameOptions and ShapingRules stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import gymnasium as gym
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from apexline.racing.options import GameOptions, RulesLike
from apexline.racing.stock.workers import MAX_RESTARTS, TIMEOUT, RacingWorkers
from apexline.racing.stock.wrappers.action_repeat import ActionRepeat
from apexline.racing.stock.wrappers.actions import PedalAction
from apexline.racing.stock.wrappers.pixels import AreaMean, ChannelsFirst, CropHud, Grayscale, RoadContrast
from apexline.racing.stock.wrappers.score import UnshapedScore
from apexline.racing.stock.wrappers.shaping import Shaping
from apexline.racing.stock.wrappers.skip_zoom import SkipZoom
from apexline.racing.stock.wrappers.stack_frames import StackFrames
from apexline.racing.stock.wrappers.surface_size import SurfaceSize
from apexline.racing.types import Env
from apexline.racing.validation import require_integer

if TYPE_CHECKING:
    _SyncVectorEnv: TypeAlias = SyncVectorEnv[Any, Any]
else:
    _SyncVectorEnv = SyncVectorEnv  # not generic before gymnasium 1.4


class StockVectorEnv(_SyncVectorEnv):
    """gymnasium's SyncVectorEnv with same-step autoreset and shaping rules that can change."""

    def __init__(self, env_fns: Sequence[Callable[[], Env]]) -> None:
        super().__init__(list(env_fns), autoreset_mode=AutoresetMode.SAME_STEP)

    def set_rules(self, rules: RulesLike) -> None:
        """Replaces the shaping rules from the next step on; running episodes continue."""
        self.call("set_rules", rules)


def make_stock_env(options: GameOptions, *, rules: RulesLike = None, render_mode: str | None = None) -> Env:
    """Makes one environment; see `make_env`.

    From the game outwards: SurfaceSize, PedalAction, SkipZoom, ActionRepeat, UnshapedScore, LapTermination,
    MissedTilePenalty, IdlePenalty, StallTermination, Shaping, CropHud, Grayscale, AreaMean, RoadContrast,
    ChannelsFirst, StackFrames. ActionRepeat, UnshapedScore and the five from LapTermination to Shaping are always
    there, the others if `options` ask for them.

    Raises ValueError if an option of NATIVE_ONLY is set, which only the backend "native" implements.
    """
    for message in options.native_only_errors():
        raise ValueError(message)
    env: Env = gym.make(
        "CarRacing-v3",
        disable_env_checker=True,
        render_mode=render_mode,
        max_episode_steps=-1 if options.max_episode_frames is None else options.max_episode_frames,
        lap_complete_percent=options.lap_complete_percent,
        domain_randomize=options.domain_randomize,
        continuous=options.continuous,
    )
    if options.is_scaled_from_surface:
        env = SurfaceSize(env, options.image_size)
    if options.pedal:
        env = PedalAction(env)
    if options.skip_zoom > 0:
        env = SkipZoom(env, options.skip_zoom)
    env = Shaping(UnshapedScore(ActionRepeat(env, options.action_repeat)), rules)
    if options.crop_hud:
        env = CropHud(env)
    if options.gray:
        env = Grayscale(env, keep_dim=options.keep_dim)
    if not options.is_scaled_from_surface and options.image_size != (options.visible_side,) * 2:
        env = AreaMean(env, options.image_size)
    if options.road_contrast:
        env = RoadContrast(env)
    if options.channels_first and len(options.frame_shape) == 3:
        env = ChannelsFirst(env)
    if options.frame_stack > 1:
        env = StackFrames(env, options.frame_stack, channel_axis=options.channel_axis)
    return env


def make_stock_vector(
    options: GameOptions,
    num_envs: int,
    *,
    rules: RulesLike = None,
    worker_processes: bool = False,
    worker_timeout: float = TIMEOUT,
    max_worker_restarts: int = MAX_RESTARTS,
    render_first: bool = False,
) -> StockVectorEnv | RacingWorkers:
    """Makes `num_envs` environments that step together; see `make_vector`."""
    require_integer("num_envs", num_envs, 1, None)
    modes = ["human" if render_first else None, *[None] * (num_envs - 1)]
    games = [partial(make_stock_env, options, rules=rules, render_mode=mode) for mode in modes]
    if worker_processes:
        return RacingWorkers(games, timeout=worker_timeout, max_restarts=max_worker_restarts)
    return StockVectorEnv(games)
