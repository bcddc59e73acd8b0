"""Whole episodes of the unshaped game, without noise: one at a time, or native games side by side.

The games have the run's observations and actions, and the stock game's tracks, start and physics, whatever it was
trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from apexline import racing
from apexline.training.evaluation.policy import Policy
from apexline.training.evaluation.report import EpisodeResult


def play(
    policy: Policy,
    seed: int,
    *,
    backend: racing.Backend = "native",
    render_mode: str | None = None,
    on_render: Callable[[Any], None] | None = None,
) -> EpisodeResult:
    """Play one episode, one observation at a time.

    With a batch size of one, a score does not depend on how many episodes are played in parallel.

    Args:
        policy: its frame stack is not changed.
        seed: of the track.
        backend: which game to play.
        render_mode: as in gymnasium.
        on_render: called with `env.render()` after each step.

    Raises:
        DependencyNotInstalled: gymnasium's game without `gymnasium[box2d]`.
    """
    policy = policy.copy()
    game = racing.make_env(policy.config.game.for_evaluation(), backend=backend, render_mode=render_mode)
    obs, _ = game.reset(seed=seed)
    ended = False
    info: dict[str, Any] = {}
    while not ended:
        obs, _, terminated, truncated, info = game.step(policy.act(obs))
        ended = terminated or truncated
        if on_render is not None:
            on_render(game.render())
    game.close()
    return EpisodeResult(seed, float(info["score"]), int(info["frames"]), float(info["tiles"]))


def play_parallel(policy: Policy, seeds: Sequence[int]) -> list[EpisodeResult]:
    """Play one episode of the native game for each seed, all in one batch.

    Actions may differ from `play`'s in the last bits, because sums depend on the batch size, and episodes then diverge.
    The same seeds in the same order give the same scores.
    """
    policy = policy.copy()
    games = racing.make_vector(policy.config.game.for_evaluation(), len(seeds), num_threads=1)
    obs, _ = games.reset(seed=list(seeds))
    results: dict[int, EpisodeResult] = {}
    while len(results) < len(
        seeds
    ):  # finished environments keep stepping, so that the batch size stays the same
        obs, _, terminated, truncated, infos = games.step(policy.act(obs))
        for i in map(int, np.flatnonzero(terminated | truncated)):
            final = infos["final_info"]
            result = (float(final["score"][i]), int(final["frames"][i]), float(final["tiles"][i]))
            results.setdefault(i, EpisodeResult(seeds[i], *result))
    games.close()
    return [results[i] for i in range(len(seeds))]
