"""Worker processes of environments that count, and signals to them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from apexline.racing import RacingWorkers

ACTIONS = np.zeros(2, np.int64)
LIMIT = 3.0
"""Seconds, thousands of times what a step takes."""


def counting(length: int = 20) -> gym.Env[Any, Any]:
    """CartPole whose observation is (episode's seed, steps in it, rules), whose reward is 1, and that truncates."""
    env: Any = gym.make("CartPole-v1", disable_env_checker=True).unwrapped
    env.observation_space = gym.spaces.Box(-1.0, 2.0**32, (3,), np.float64)
    env.seed, env.steps, env.rules = -1, 0, 0

    def observed() -> tuple[Any, dict[str, Any]]:
        return np.array([env.seed, env.steps, env.rules], np.float64), {"score": float(env.steps)}

    def reset(*, seed: int | None = None, **_: Any) -> Any:
        env.seed, env.steps = -1 if seed is None else seed, 0
        return observed()

    def step(_: Any) -> Any:
        env.steps += 1
        observation, info = observed()
        return observation, 1.0, False, env.steps == length, info

    def set_rules(rules: Any) -> None:
        env.rules = 0 if rules is None else rules.idle_penalty

    env.reset, env.step, env.set_rules = reset, step, set_rules
    return env  # type: ignore[no-any-return]


def make(num_envs: int = 2, **arguments: Any) -> RacingWorkers:
    return RacingWorkers([counting] * num_envs, **{"timeout": LIMIT, **arguments})


@pytest.fixture
def workers() -> Iterator[RacingWorkers]:
    """Workers that have made a step."""
    vector = make()
    vector.reset(seed=5)
    vector.step(ACTIONS)
    yield vector
    vector.close()
    assert not any(process.is_alive() for process in vector.processes)


def send(vector: RacingWorkers, index: int, number: signal.Signals) -> None:
    pid = vector.processes[index].pid
    assert pid is not None
    os.kill(pid, number)


def local_of_the_worker(name: str) -> Any:
    """A local variable of gymnasium's loop, called by an environment in a worker process."""
    frame: Any = sys._getframe()
    while frame.f_code.co_name != "_async_worker":
        frame = frame.f_back
    return frame.f_locals[name]
