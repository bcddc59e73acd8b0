"""Evaluation against the plain game, and what happens when its processes die."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import torch

from apexline.training import PRESETS, EvalReport, EvaluationDied, Evaluator, build_networks, play
from apexline.training.evaluate import EpisodeResult

CONFIG = PRESETS["cpu"]
SEED = 1_000_000


def test_a_score_is_the_plain_games_own() -> None:
    """The same actions on the stock game without any wrapper give the same score, without rule or penalty."""
    torch.manual_seed(0)
    networks = build_networks(CONFIG)
    torch.nn.init.normal_(networks.average.of(networks.actor).output.weight, std=0.5)
    chosen = []
    policy = networks.evaluation_policy
    networks.evaluation_policy = lambda obs: chosen.append(policy(obs)) or chosen[-1]  # type: ignore[method-assign, func-returns-value]
    result = play(networks, CONFIG, SEED)

    game = gym.make("CarRacing-v3")
    game.reset(seed=SEED)
    score, frames, ended = 0.0, 0, False
    for steer, pedal in (action[0].tolist() for action in chosen):
        for _ in range(CONFIG.env.action_repeat):
            if not ended:
                action = np.array([steer, max(pedal, 0), max(-pedal, 0)], np.float32)
                _, reward, terminated, truncated, _ = game.step(action)
                score, frames, ended = score + float(reward), frames + 1, terminated or truncated
    game.close()
    assert ended
    assert result.frames == frames
    assert result.score == pytest.approx(score)


def test_a_dead_process_is_an_error_with_a_name() -> None:
    config = replace(CONFIG, agent=replace(CONFIG.agent, ema=0.0))
    evaluator = Evaluator(config, 1)
    try:
        pending = evaluator.submit(build_networks(config).state_dict(), range(4))
        (pid,) = evaluator._pool._processes
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(EvaluationDied, match="ended by itself"):
            pending.result()
    finally:
        evaluator.close()


def test_the_summary_is_of_the_scores() -> None:
    scores = [900.0, 100.0, 800.0, 850.0, 700.0]
    report = EvalReport(tuple(EpisodeResult(seed, score, 1000, 0.5) for seed, score in enumerate(scores)))
    assert report.summary == {
        "mean": 670.0,
        "sd": pytest.approx(np.std(scores, ddof=1)),
        "median": 800.0,
        "p10": pytest.approx(340.0),
        "min": 100.0,
        "max": 900.0,
    }
