"""Named configurations: `cpu` (measured), `cuda` (the same with larger images and networks), `notebook` (2019)."""

from __future__ import annotations

from dataclasses import replace

import torch

from apexline.agent import AgentConfig, LinearSchedule, NoiseConfig
from apexline.racing import GameOptions, ShapingRules
from apexline.training.config.train_config import (
    EPISODE_FRAMES,
    BudgetConfig,
    LearningConfig,
    MonitorConfig,
    ReplayConfig,
    ShapingPhase,
    TrainConfig,
)
from apexline.training.errors import InputError

RECIPE_GAME = GameOptions(
    action_repeat=4,
    crop_hud=True,
    gray=True,
    road_contrast=True,
    frame_size=42,
    pedal=True,
    max_episode_frames=EPISODE_FRAMES,
)

FIRST_RULES = ShapingRules(
    stall_steps=25,
    stall_penalty=10.0,
    lap_bonus=300.0,
    missed_tile_penalty=15.0,
    missed_tile_margin=3,
)

LATER_RULES = replace(
    FIRST_RULES, stall_steps=60, stall_penalty=200.0, idle_penalty=5.0, missed_tile_penalty=100.0
)

CPU = TrainConfig(
    preset="cpu",
    game=RECIPE_GAME,
    shaping=(ShapingPhase(0, FIRST_RULES), ShapingPhase(70_000, LATER_RULES)),
    replay=ReplayConfig(capacity=1_000_000, shift=LinearSchedule(2, 0, 40_000)),
    agent=AgentConfig(
        encoder="patch42",
        channels_last=False,
        huber_delta=None,
        flip_augmentation=True,
        ema=0.999,
        actor_lr=LinearSchedule(3e-4, 1.5e-5, 250_000),
        critic_lr=LinearSchedule(3e-4, 1.5e-5, 250_000),
    ),
    budget=BudgetConfig(minutes=30),
    monitor=MonitorConfig(eval_episodes=96),
)

CUDA = replace(
    CPU,
    preset="cuda",
    device="cuda",
    num_envs=16,
    game=replace(RECIPE_GAME, frame_size=84),
    replay=replace(CPU.replay, shift=LinearSchedule(4, 0, 40_000)),
    agent=replace(CPU.agent, encoder="nature", hidden=(512, 512), channels_last=True),
    learning=replace(CPU.learning, batch_size=256),
)

NOTEBOOK = TrainConfig(
    preset="notebook",
    num_envs=1,
    worker_processes=False,
    game=GameOptions(channels_first=True, max_episode_frames=EPISODE_FRAMES),
    replay=ReplayConfig(
        capacity=20_000, frame_stack=1, n_step=1, gamma=0.99, alpha=0.0, shift=LinearSchedule(0)
    ),
    agent=AgentConfig(
        encoder="notebook",
        shared_encoder=False,
        trunk_features=None,
        hidden=(512, 512),
        normalization="none",
        num_critics=1,
        target_actor=True,
        actor_lr=LinearSchedule(5e-6),
        critic_lr=LinearSchedule(5e-5),
        tau=0.001,
        huber_delta=None,
        preactivation_penalty=0.0,
        smoothing_sigma=0.0,
        precision="fp32",
    ),
    noise=NoiseConfig(kind="ou", theta=0.15, mu=0.0, sigma=LinearSchedule(0.3), dt=0.01, env_factors=()),
    learning=LearningConfig(batch_size=32, replay_ratio=1.0, learning_starts=0, reward_scale=1.0),
    budget=BudgetConfig(total_episodes=2_000),
)

PRESETS = {preset.preset: preset for preset in (CPU, CUDA, NOTEBOOK)}


def preset(name: str) -> TrainConfig:
    """The configuration of that name; `auto` is `cuda` if torch finds a GPU, else `cpu`.

    Raises:
        InputError: there is no such preset.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name not in PRESETS:
        raise InputError(f"preset is {name}; expected one of auto, {', '.join(PRESETS)}")
    return PRESETS[name]
