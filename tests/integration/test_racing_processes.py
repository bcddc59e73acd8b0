"""The native game in worker processes of gymnasium and stable-baselines3, which import what they are given only."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv

from apexline.racing import CarRacingVectorEnv

LONG_ID = "apexline.racing:apexline/CarRacing-v3"
OPTIONS: dict[str, Any] = {"gray": True, "frame_size": 16, "rules": {"idle_penalty": 1.0}}


@pytest.fixture
def expected() -> Any:
    env = CarRacingVectorEnv(2, **OPTIONS)
    frames, _ = env.reset(seed=3)
    return frames, *env.step(np.full((2, 3), 0.25, np.float32))[:2]


def test_the_long_id_in_spawned_workers_of_gymnasium(expected: Any) -> None:
    env = AsyncVectorEnv([lambda: gym.make(LONG_ID, **OPTIONS)] * 2, context="spawn")
    try:
        frames, _ = env.reset(seed=3)
        for ours, value in zip(
            (frames, *env.step(np.full((2, 3), 0.25, np.float32))[:2]), expected, strict=True
        ):
            np.testing.assert_array_equal(ours, value)
    finally:
        env.close()


def test_the_long_id_in_spawned_workers_of_stable_baselines3(expected: Any) -> None:
    pytest.importorskip("stable_baselines3")
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import SubprocVecEnv

    env = make_vec_env(
        LONG_ID,
        2,
        seed=3,
        env_kwargs=OPTIONS,
        vec_env_cls=SubprocVecEnv,
        vec_env_kwargs={"start_method": "spawn"},
    )
    try:
        np.testing.assert_array_equal(env.reset(), expected[0])
        frames, rewards, *_ = env.step(np.full((2, 3), 0.25, np.float32))
        np.testing.assert_array_equal(frames, expected[1])
        np.testing.assert_array_equal(rewards, expected[2])
        assert env.get_attr("tile_visited_count") == [2, 2]
    finally:
        env.close()


SCRIPT = """
import sys
import gymnasium as gym
from gymnasium.vector import AsyncVectorEnv
{top}
if __name__ == "__main__":
    {inside}
    env = AsyncVectorEnv([lambda: gym.make("apexline/CarRacing-v3", gray=True)] * 2, context="spawn")
    print(env.reset(seed=3)[0].shape)
    env.close()
"""


def test_the_short_id_in_spawned_workers_of_a_script_that_imports_at_its_top(tmp_path: Path) -> None:
    """A spawned process imports the main script without what `__name__ == "__main__"` guards."""
    script = tmp_path / "script.py"
    for top, inside, works in (
        ("import apexline.racing", "pass", True),
        ("", "import apexline.racing", False),
    ):
        script.write_text(SCRIPT.format(top=top, inside=inside))
        run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
        assert (run.returncode == 0) is works, run.stderr
        assert run.stdout == "(2, 96, 96)\n" * works
        assert ("NamespaceNotFound" in run.stderr) is not works


def step_in_process(env: CarRacingVectorEnv, results: Any) -> None:
    results.put(env.step(np.full((2, 3), 0.25, np.float32))[:2])


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_vector_environment_as_an_argument_of_a_process(method: str, expected: Any) -> None:
    context: Any = multiprocessing.get_context(method)
    env = CarRacingVectorEnv(2, **OPTIONS)
    env.reset(seed=3)
    results = context.Queue()
    process = context.Process(target=step_in_process, args=(env, results))
    process.start()
    frames, rewards = results.get(timeout=60)
    process.join()
    np.testing.assert_array_equal(frames, expected[1])
    np.testing.assert_array_equal(rewards, expected[2])
