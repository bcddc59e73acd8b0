"""The concurrent training loop against a sequential loop with the same delays."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from apexline.agent import DDPG, LinearSchedule, make_noise
from apexline.racing import make_vector, random_driving
from apexline.replay import IncrementalSaver, PrioritizedFrameReplay
from apexline.replay.device import STALENESS
from apexline.training import PRESETS, TrainConfig, train
from apexline.training import loop as loop_module
from apexline.training.config.train_config import ShapingPhase
from apexline.training.learning.schedule import shift_at
from apexline.training.records import checkpoint
from apexline.training.saving import REPLAY

STEPS = 70
SECOND_PHASE = 111


def config_of(replay_ratio: float) -> TrainConfig:
    """The cpu preset with three environments, a replay so small that ring buffers wrap around while batches are being
    gathered, and other shaping rules in the second half."""
    config = PRESETS["cpu"]
    rules = replace(config.shaping[0].rules, stall_steps=6)
    later = replace(rules, stall_steps=9, idle_penalty=3.0)
    return replace(
        config,
        seed=5,
        threads=1,
        agent=replace(config.agent, precision="bf16"),
        num_envs=3,
        replay=replace(config.replay, capacity=150, shift=LinearSchedule(2, 0, 40)),
        learning=replace(
            config.learning,
            batch_size=16,
            learning_starts=30,
            replay_ratio=replay_ratio,
        ),
        shaping=(ShapingPhase(0, rules), ShapingPhase(SECOND_PHASE, later)),
        budget=replace(config.budget, minutes=None, total_frames=None, total_episodes=None),
        monitor=replace(config.monitor, eval_steps=None),
    )


def sequential(config: TrainConfig) -> tuple[DDPG, PrioritizedFrameReplay]:
    """Acts, updates, then stores; batches are sampled STALENESS updates early, TD errors are used one update late.

    The shaping rules change by restoring the games' states in new environments.
    """
    games: Any = make_vector(config.game, config.num_envs, rules=config.shaping[0].rules, num_threads=1)
    space: Any = games.single_action_space
    stack = config.replay.frame_stack
    agent = DDPG(config.agent, (stack, *config.game.frame_shape), space.low, space.high, seed=config.seed)
    replay = PrioritizedFrameReplay(
        num_envs=config.num_envs,
        frame_shape=config.game.frame_shape,
        action_shape=space.shape,
        seed=config.seed,
        num_threads=1,
        **config.replay.arguments(),
    )
    noise = make_noise(config.noise, config.num_envs, len(space.low), config.seed)
    rng = np.random.default_rng(config.seed)
    first_seed = int(np.random.SeedSequence([config.seed, 0]).generate_state(1)[0] >> 1)
    frames, _ = games.reset(seed=first_seed)
    stacks = np.repeat(frames[:, None], stack, axis=1)
    sampled: deque[Any] = deque()
    late: tuple[Any, Any] | None = None
    updates = learned = 0

    for step in range(STEPS):
        steps = step * config.num_envs
        if steps == SECOND_PHASE:
            games.set_rules(config.shaping[1].rules)
        if steps < config.learning.learning_starts:
            actions = random_driving(rng, config.num_envs, config.game.pedal)
        else:
            greedy = agent.networks.policy(torch.from_numpy(stacks)).numpy()
            actions = greedy + noise.sample(steps)
            learned += config.num_envs
        actions = np.clip(actions, space.low, space.high)
        while updates < int(config.learning.replay_ratio * learned):
            while len(sampled) <= STALENESS:
                shift = shift_at(config.replay.shift, updates)
                sampled.append(replay.sample(config.learning.batch_size, shift=shift, as_torch=True))
            batch = sampled.popleft()
            errors, _ = agent.update(batch)
            if late is not None:
                replay.update_priorities(*late)
            late = (batch.indices, errors)
            updates += 1
        seen = stacks[:, -1].copy()
        frames, rewards, terminated, truncated, infos = games.step(actions)
        ended = terminated | truncated
        finals = np.zeros_like(frames)
        for env in np.flatnonzero(ended):
            finals[env] = infos["final_obs"][env]
        replay.add(seen, actions, rewards * config.learning.reward_scale, terminated, truncated, finals)
        stacks = np.concatenate([stacks[:, 1:], frames[:, None]], axis=1)
        stacks[ended] = frames[ended, None]
    return agent, replay


@pytest.mark.parametrize("replay_ratio", [0.375, 0.5, 2.0])
def test_both_loops_give_the_same_results_bit_for_bit(
    replay_ratio: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(replay_ratio)
    monkeypatch.setattr(
        loop_module, "_used_up", lambda _budget, _seconds, session: session.collector.steps == STEPS * 3
    )
    status = train(config, tmp_path / "run")
    agent, replay = sequential(config)
    assert status.updates == int(agent.updates) == int(replay_ratio * (STEPS * 3 - 30))

    newest = checkpoint.newest(tmp_path / "run", warn=pytest.fail)
    saved = newest.state["agent"]
    expected = agent.networks.state_dict()
    assert saved["networks"].keys() == expected.keys()
    for name, weights in expected.items():
        assert torch.equal(saved["networks"][name], weights), name
    theirs = PrioritizedFrameReplay(
        num_envs=3,
        frame_shape=config.game.frame_shape,
        action_shape=(2,),
        seed=config.seed,
        num_threads=1,
        **config.replay.arguments(),
    )
    IncrementalSaver(theirs).load(newest.path / REPLAY)
    assert np.array_equal(theirs.priorities, replay.priorities)
    for one, other in zip(theirs.sample(64)[:7], replay.sample(64)[:7], strict=True):
        assert np.array_equal(one, other)
