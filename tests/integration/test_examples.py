"""The examples run, and those that train an agent improve on random actions."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import DQN
from stable_baselines3.common.buffers import NStepReplayBuffer
from stable_baselines3.common.env_util import make_vec_env

EXAMPLES = Path(__file__).parents[2] / "examples"
RANDOM_RETURN = 22.0
"""Approximate return of random actions in CartPole-v1; the maximum is 500."""


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_all_examples_are_in_the_table() -> None:
    table = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\]\((\w+\.py)\)", table)) == sorted(
        path.name for path in EXAMPLES.glob("*.py")
    )


# Returns over seeds 0 to 9: cleanrl_dqn 207 to 388, sb3_dqn 194 to 477.
@pytest.mark.parametrize("name", ["cleanrl_dqn", "sb3_dqn"])
def test_dqn_learns(name: str) -> None:
    example = load(name)
    assert example.evaluate(example.train(seed=0)) > 5 * RANDOM_RETURN


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("prefetch_to_cuda", r"[1-9]\d* updates/s; the largest priority is \d+\.\d\d\n"),
        ("save_and_resume", r"190 batches are the same with and without a stop\n"),
    ],
)
def test_the_script_runs(name: str, output: str) -> None:
    command = [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(output, result.stdout)


def test_all_td_errors_reach_the_replay() -> None:
    replay, _ = load("prefetch_to_cuda").run(updates=3)
    priorities = replay.priorities[replay.priorities > 0]
    # Without updates all priorities would be equal: new transitions get the largest one so far.
    assert np.sum(priorities != 1.0) > 3 * 32 * 0.9
    assert replay.stats().stale_updates == 0


def test_the_sb3_buffer_returns_the_targets_of_their_n_step_buffer() -> None:
    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
    arguments = (1_000, observation_space, spaces.Discrete(3), "cpu")
    ours = load("sb3_dqn").FrameReplayBuffer(*arguments, n_envs=2, n_step=3, gamma=0.9, alpha=0)
    theirs = NStepReplayBuffer(*arguments, n_envs=2, n_steps=3, gamma=0.9)
    rng = np.random.default_rng(0)
    obs = rng.normal(size=(2, 2)).astype(np.float32)
    for _ in range(200):
        fresh, next_obs = rng.normal(size=(2, 2, 2)).astype(np.float32)
        action, reward = rng.integers(3, size=2), rng.normal(size=2).astype(np.float32)
        done = rng.random(2) < 0.2
        infos = [{"TimeLimit.truncated": bool(end and rng.random() < 0.5)} for end in done]
        for buffer in (ours, theirs):
            buffer.add(obs, next_obs, action, reward, done, infos)
        obs = np.where(done[:, None], fresh, next_obs)

    batch = ours.sample(500)
    stored = {
        tuple(row): (t, env) for t, rows in enumerate(theirs.observations) for env, row in enumerate(rows)
    }
    for i, row in enumerate(batch.observations.numpy()):
        t, env = stored[tuple(row)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(np.random, "randint", lambda *_, env=env, **__: np.array([env]))
            expected = theirs._get_samples(np.array([t]))
        for name in ("actions", "rewards", "dones", "discounts", "next_observations"):
            # At the end of an episode, discount and next observation are multiplied by 1 - dones.
            if name in ("discounts", "next_observations") and expected.dones.item():
                continue
            torch.testing.assert_close(getattr(batch, name)[i], getattr(expected, name)[0])
    assert 0.2 < batch.dones.mean() < 0.6


def test_the_sb3_buffer_samples_uniformly_for_stock_dqn() -> None:
    example = load("sb3_dqn")
    model = DQN(
        "MlpPolicy",
        make_vec_env("CartPole-v1", n_envs=2, seed=0),
        buffer_size=500,
        learning_starts=50,
        replay_buffer_class=example.FrameReplayBuffer,
        replay_buffer_kwargs={"alpha": 0, "n_step": 3, "gamma": 0.99},
        seed=0,
        device="cpu",
    ).learn(1_000)
    buffer = model.replay_buffer
    assert isinstance(buffer, example.FrameReplayBuffer)
    assert 400 < buffer.size() <= 500
    assert set(buffer.sampled.weights) == {1.0}
    buffer.reset()
    assert buffer.size() == 0
