"""Evaluation: whole unshaped episodes without noise, in parallel processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any

import numpy as np
import torch

from apexline import racing
from apexline.agent import ActorCritic, build
from apexline.training.acting.environments import action_bounds, make_env
from apexline.training.config.train_config import GameKind, TrainConfig, from_dict, to_dict
from apexline.training.errors import EvaluationWorkerDiedError

Weights = Mapping[str, torch.Tensor]

GROUP = 32
"""Native games that a process plays side by side: an episode then takes a fifth of the time that it takes alone."""


@dataclass(frozen=True)
class EpisodeResult:
    """One evaluated episode."""

    seed: int
    score: float
    frames: int
    tiles: float


@dataclass(frozen=True)
class EvalReport:
    """Results of an evaluation, in the order of their seeds."""

    episodes: tuple[EpisodeResult, ...]

    @property
    def summary(self) -> dict[str, float]:
        """mean, sd (of the sample), median, p10, min and max of the scores."""
        scores = np.array([episode.score for episode in self.episodes])
        return {
            "mean": float(scores.mean()),
            "sd": float(scores.std(ddof=1)) if len(scores) > 1 else 0.0,
            "median": float(np.median(scores)),
            "p10": float(np.percentile(scores, 10)),
            "min": float(scores.min()),
            "max": float(scores.max()),
        }


def build_networks(config: TrainConfig) -> ActorCritic:
    """The networks of a run, with fresh weights, on the CPU."""
    shape = (config.replay.frame_stack, *config.game.frame_shape)
    return build(config.agent, shape, *action_bounds(config.game))


def play(
    networks: ActorCritic,
    config: TrainConfig,
    seed: int,
    *,
    env: GameKind,
    render_mode: str | None = None,
    watch: Callable[[Any], None] | None = None,
) -> EpisodeResult:
    """One unshaped episode of the game from `seed`, greedy, on one observation at a time.

    The batch of one makes a score independent of how many episodes are played side by side. With a `render_mode`,
    `watch` is handed what the game renders after each step.
    """
    game = make_env(env, config.game, render_mode=render_mode)
    frame, _ = game.reset(seed=seed)
    stack = np.repeat(frame[None], config.replay.frame_stack, axis=0)
    ended = False
    info: dict[str, Any] = {}
    while not ended:
        action = networks.evaluation_policy(torch.from_numpy(stack[None]))[0].numpy()
        frame, _, terminated, truncated, info = game.step(action)
        stack = np.concatenate([stack[1:], frame[None]])
        ended = terminated or truncated
        if watch is not None:
            watch(game.render())
    game.close()
    return EpisodeResult(seed, float(info["score"]), int(info["frames"]), float(info["tiles"]))


def play_native(networks: ActorCritic, config: TrainConfig, seeds: Sequence[int]) -> list[EpisodeResult]:
    """An episode a seed, as `play` plays them on the native game, side by side.

    Actions may differ from `play`'s in their last bits, as sums of another batch size do; whole episodes then differ.
    The same seeds in the same order give the same scores.
    """
    games = racing.make_native_vector(config.game, len(seeds), training=False, num_threads=1)
    frames, _ = games.reset(seed=list(seeds))
    stacks = np.repeat(frames[:, None], config.replay.frame_stack, axis=1)
    results: dict[int, EpisodeResult] = {}
    while len(results) < len(seeds):  # those that have ended play on, so that all are of one batch size
        actions = networks.evaluation_policy(torch.from_numpy(stacks)).numpy()
        frames, _, terminated, truncated, infos = games.step(actions)
        stacks = np.concatenate([stacks[:, 1:], frames[:, None]], axis=1)
        for i in map(int, np.flatnonzero(terminated | truncated)):
            final = infos["final_info"]
            result = (float(final["score"][i]), int(final["frames"][i]), float(final["tiles"][i]))
            results.setdefault(i, EpisodeResult(seeds[i], *result))
    games.close()
    return [results[i] for i in range(len(seeds))]


class Evaluator:
    """Worker processes that play episodes with the weights they are handed: one at a time on the stock game, GROUP side
    by side on the native one.

    Each has one torch thread, so scores do not depend on how many there are.
    """

    def __init__(self, config: TrainConfig, processes: int, env: GameKind) -> None:
        self._group = GROUP if env == "native" else 1
        self._pool = ProcessPoolExecutor(
            processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(to_dict(config), env),
        )

    def submit(self, weights: Weights, seeds: Sequence[int]) -> PendingReport:
        """Sets off one episode a seed with a copy of `weights`, an ActorCritic's state.

        Raises:
            EvaluationWorkerDiedError: a process has ended by itself since the last call.
        """
        copied = {name: value.detach().cpu().numpy().copy() for name, value in weights.items()}
        groups = [seeds[first : first + self._group] for first in range(0, len(seeds), self._group)]
        with _deaths_named():
            return PendingReport([self._pool.submit(_play_in_worker, copied, group) for group in groups])

    def close(self) -> None:
        """Drops what has not begun and ends the processes."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class PendingReport:
    """An evaluation under way."""

    def __init__(self, futures: Sequence[Future[list[EpisodeResult]]]) -> None:
        self.futures = tuple(futures)

    def completed(self) -> Iterator[EpisodeResult]:
        """The episodes, as they are played.

        Raises:
            EvaluationWorkerDiedError: a process ended by itself.
        """
        with _deaths_named():
            for future in as_completed(self.futures):
                yield from future.result()

    def done(self) -> bool:
        """True once every episode is played."""
        return all(future.done() for future in self.futures)

    def result(self) -> EvalReport:
        """Waits for the report.

        Raises:
            EvaluationWorkerDiedError: a process ended by itself.
        """
        with _deaths_named():
            return EvalReport(tuple(episode for future in self.futures for episode in future.result()))


@contextmanager
def _deaths_named() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise EvaluationWorkerDiedError(
            "an evaluation process ended by itself (killed, or out of memory)"
        ) from error


_worker: tuple[TrainConfig, ActorCritic, GameKind] | None = None


def _start_worker(config_values: dict[str, Any], env: GameKind) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    config = from_dict(config_values)
    _worker = (config, build_networks(config), env)


def _end_with_parent() -> None:
    """An executor's process would outlive a parent that is killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def _play_in_worker(weights: dict[str, np.ndarray[Any, Any]], seeds: Sequence[int]) -> list[EpisodeResult]:
    assert _worker is not None
    config, networks, env = _worker
    networks.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    if env == "native":
        return play_native(networks, config, seeds)
    return [play(networks, config, seed, env=env) for seed in seeds]
