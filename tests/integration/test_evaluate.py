"""Evaluation against the unwrapped game."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import gymnasium as gym
import numpy as np
import pytest
import torch

from apexline.racing import make_env
from apexline.training import (
    PRESETS,
    EvalReport,
    Evaluator,
    Policy,
    play,
    play_parallel,
)
from apexline.training.evaluation.evaluator import GROUP
from apexline.training.evaluation.policy import build_networks
from apexline.training.evaluation.report import EpisodeResult

CONFIG = PRESETS["cpu"]
SEED = 1_000_000


def test_a_score_is_that_of_the_unwrapped_game() -> None:
    """The same actions on gymnasium's game without any wrapper give the same score, without reward shaping."""
    torch.manual_seed(0)
    networks = build_networks(CONFIG)
    torch.nn.init.normal_(networks.average.of(networks.actor).output.weight, std=0.5)
    seen: list[torch.Tensor] = []
    chosen: list[torch.Tensor] = []
    policy = networks.evaluation_policy

    def recorded(obs: torch.Tensor) -> torch.Tensor:
        seen.append(obs[0].clone())
        chosen.append(policy(obs))
        return chosen[-1]

    networks.evaluation_policy = recorded  # type: ignore[method-assign]
    result = play(Policy(networks, CONFIG), SEED, backend="gymnasium")
    assert torch.equal(seen[0][0], seen[0][-1]), "an episode begins with its first frame repeated"
    assert all(torch.equal(after[:-1], before[1:]) for before, after in pairwise(seen)), "newest last"

    game = gym.make("CarRacing-v3")
    game.reset(seed=SEED)
    score, frames, ended = 0.0, 0, False
    for steer, pedal in (action[0].tolist() for action in chosen):
        for _ in range(CONFIG.game.action_repeat):
            if not ended:
                action = np.array([steer, max(pedal, 0), max(-pedal, 0)], np.float32)
                _, reward, terminated, truncated, _ = game.step(action)
                score, frames, ended = score + float(reward), frames + 1, terminated or truncated
    game.close()
    assert ended
    assert result.frames == frames
    assert result.score == pytest.approx(score)


def test_a_score_does_not_depend_on_the_variations_that_a_run_is_trained_with() -> None:
    torch.manual_seed(0)
    networks = build_networks(CONFIG)
    variations = {"track_seed": 3, "start_tile": 50, "start_speed": 40, "friction": 0.3, "engine_power": 2}
    varied = replace(CONFIG, game=replace(CONFIG.game, **variations))  # type: ignore[arg-type]
    usual, other = Policy(networks, CONFIG), Policy(networks, varied)
    assert play(usual, SEED) == play(other, SEED)
    assert play_parallel(usual, [SEED]) == play_parallel(other, [SEED])


def test_parallel_native_games_are_each_one_whole_episode(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same actions in a single native environment give the same result, whenever the others end."""
    options = replace(CONFIG.game, action_repeat=5, skip_zoom=2)
    config = replace(CONFIG, game=options)
    seeds = [SEED, SEED + 7, SEED + 3]
    networks = build_networks(config)
    rng = np.random.default_rng(1)
    steer = rng.uniform(-0.1, 0.1, (400, 3))
    chosen = [np.stack([steer[i], [0.2, 1.0, 0.6]], axis=1).astype(np.float32) for i in range(400)]
    seen: list[np.ndarray] = []

    def scripted(obs: torch.Tensor) -> torch.Tensor:
        seen.append(obs.numpy().copy())
        return torch.from_numpy(chosen[len(seen) - 1])

    monkeypatch.setattr(networks, "evaluation_policy", scripted)
    results = play_parallel(Policy(networks, config), seeds)
    assert [result.seed for result in results] == seeds
    assert len({result.frames for result in results}) > 1, "the episodes must end at different times"
    for env, result in enumerate(results):
        game = make_env(options)
        frame, _ = game.reset(seed=seeds[env])
        stack = [frame] * config.replay.frame_stack
        for obs, actions in zip(seen, chosen, strict=False):
            assert np.array_equal(obs[env], stack)
            frame, _, terminated, truncated, info = game.step(actions[env])
            stack = [*stack[1:], frame]
            if terminated or truncated:
                break
        assert result == EpisodeResult(seeds[env], info["score"], info["frames"], info["tiles"])
        game.close()


def test_scores_do_not_depend_on_the_number_of_processes() -> None:
    torch.manual_seed(0)
    networks = build_networks(CONFIG)
    torch.nn.init.normal_(networks.average.of(networks.actor).output.weight, std=0.5)
    reports = []
    for processes in (1, 2):
        evaluator = Evaluator(CONFIG, processes, "native")
        pending = evaluator.submit(networks.state_dict(), range(GROUP + 3))
        played = sorted(pending.completed(), key=lambda episode: episode.seed)
        reports.append(pending.result())
        assert tuple(played) == reports[-1].episodes
        evaluator.close()
    assert [episode.seed for episode in reports[0].episodes] == list(range(GROUP + 3))
    assert reports[0] == reports[1]


def test_the_summary_describes_the_scores() -> None:
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
