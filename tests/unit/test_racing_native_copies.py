"""Copies of CarRacingVectorEnv by `copy.deepcopy` and `pickle`."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import ClipReward

from apexline.racing import CarRacingVectorEnv, ShapingRules

from .native_racing import SMALL
from .stock_racing import assert_same_infos, stock_vector, wild_driving

Env = CarRacingVectorEnv
Copy = Callable[[Any], Any]
COPIES: list[Copy] = [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))]
MODES = list(AutoresetMode)


def drive(env: Any, steps: int, seed: int) -> list[Any]:
    """Steps with random actions; resets what has ended if autoreset is disabled."""
    rng = np.random.default_rng(seed)
    results = []
    for _ in range(steps):
        results.append(env.step(wild_driving(rng, env.num_envs)))
        ended = results[-1][2] | results[-1][3]
        if env.metadata["autoreset_mode"] is AutoresetMode.DISABLED and ended.any():
            results.append(env.reset(options={"reset_mask": ended}))
    return results


def assert_same_results(ours: list[Any], theirs: list[Any]) -> None:
    for our_result, their_result in zip(ours, theirs, strict=True):
        for our_array, their_array in zip(our_result[:-1], their_result[:-1], strict=True):
            np.testing.assert_array_equal(our_array, their_array, strict=True)
        assert_same_infos(our_result[-1], their_result[-1])


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("steps", [0, 1, 19, 20, 33])
def test_a_copy_continues_bit_for_bit(copied: Copy, mode: AutoresetMode, steps: int) -> None:
    options: dict[str, Any] = {"domain_randomize": True, "render_mode": "rgb_array", "frame_size": 24}
    options["frame_stack"] = 3
    env = Env(3, autoreset_mode=mode, action_repeat=2, max_episode_frames=40, **options)
    env.reset(seed=[7, None, 9])
    drive(env, steps, seed=1)
    twin = copied(env)
    assert twin.get_state() == env.get_state()
    assert twin.np_random_seed == env.np_random_seed
    for image, original in zip(twin.render(), env.render(), strict=True):
        np.testing.assert_array_equal(image, original)
    assert_same_results(drive(twin, 45, seed=2), drive(env, 45, seed=2))
    ours, theirs = (each.reset(options={"randomize": False}) for each in (twin, env))
    assert_same_results([ours], [theirs])


@pytest.mark.parametrize("mode", MODES)
def test_a_deep_copy_continues_as_one_of_sync_vector_env(mode: AutoresetMode) -> None:
    """A copy of the stock game is a new one with the same arguments, so the original is driven."""
    env = Env(2, autoreset_mode=mode, max_episode_frames=30, max_episode_steps=None, **SMALL)
    stock = stock_vector(2, mode, max_episode_frames=30)
    for each in (env, stock):
        each.reset(seed=3)
        drive(each, 20, seed=0)
    twin = copy.deepcopy(env)
    drive(env, 50, seed=5)
    ours, theirs = drive(twin, 45, seed=1), drive(stock, 45, seed=1)
    assert_same_results([result[1:] for result in ours], [result[1:] for result in theirs])


@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_has_the_arguments_and_spaces_of_its_original(copied: Copy) -> None:
    rules = ShapingRules(idle_penalty=1.0)
    env = Env(2, autoreset_mode="SameStep", num_threads=1, rules=rules, gray=True, max_episode_steps=50)
    env.set_rules(ShapingRules(idle_penalty=2.0))
    env.reset(seed=0)
    env.action_space.seed(4)
    twin = copied(env)
    for name in ("num_envs", "autoreset_mode", "options", "rules", "metadata", "render_mode", "spec"):
        assert getattr(twin, name) == getattr(env, name), name
    assert repr(twin) == repr(env)
    assert twin.observation_space == env.observation_space
    np.testing.assert_array_equal(twin.action_space.sample(), env.action_space.sample())
    env.close()
    assert len(drive(twin, 3, seed=0)) == 3


@pytest.mark.parametrize("copied", COPIES)
def test_games_that_were_not_reset_need_it_in_a_copy_too(copied: Copy) -> None:
    env = Env(2, domain_randomize=True, **SMALL)
    twin = copied(env)
    assert twin.np_random_seed == env.np_random_seed
    with pytest.raises(gym.error.ResetNeeded, match="leaves out environment 1, which was never reset"):
        twin.reset(options={"reset_mask": np.array([True, False])})
    with pytest.raises(gym.error.ResetNeeded):
        twin.step(twin.action_space.sample())
    assert_same_results([twin.reset()], [env.reset()])


@pytest.mark.parametrize("copied", COPIES)
def test_episode_statistics_continue(copied: Copy) -> None:
    env = Env(2, episode_statistics=True, max_episode_frames=20, max_episode_steps=None, **SMALL)
    env.reset(seed=0)
    drive(env, 12, seed=0)
    twin = copied(env)
    (ours, *_), (theirs, *_) = (drive(each, 8, seed=1)[::-1] for each in (twin, env))
    for key in ("r", "l"):
        np.testing.assert_array_equal(ours[-1]["episode"][key], theirs[-1]["episode"][key], strict=True)
    assert ours[-1]["episode"]["l"].tolist() == [20, 20]


def test_seconds_of_an_episode_do_not_depend_on_the_clock_of_the_process() -> None:
    env = Env(1, episode_statistics=True, **SMALL)
    env.reset(seed=0)
    statistics = env._statistics
    assert statistics is not None
    clock = [100.0]
    statistics._clock = lambda: clock[0]
    statistics._starts[:] = 97.0
    state = statistics.__getstate__()
    clock[0] = 5000.0
    other = type(statistics).__new__(type(statistics))
    other.__setstate__(state)
    assert other.of(0).seconds == 3.0


@pytest.mark.parametrize("copied", COPIES)
def test_a_closed_environment_cannot_be_copied(copied: Copy) -> None:
    env = Env(1, **SMALL)
    env.reset(seed=0)
    env.close()
    with pytest.raises(gym.error.ClosedEnvironmentError, match=r"^CarRacingVectorEnv is closed$"):
        copied(env)


@pytest.mark.parametrize("copied", COPIES)
def test_copies_and_originals_are_closed_separately(copied: Copy) -> None:
    env = Env(2, **SMALL)
    env.reset(seed=0)
    twin, third = copied(env), copied(env)
    twin.close()
    assert not env.closed
    assert_same_results(drive(env, 2, seed=0), drive(third, 2, seed=0))


class TaggedEnv(CarRacingVectorEnv):
    """With a constructor and an attribute of its own."""

    def __init__(self, tag: str, num_envs: int) -> None:
        super().__init__(num_envs, **SMALL)
        self.tag = tag


@pytest.mark.parametrize("copied", COPIES)
def test_a_subclass_keeps_its_attributes(copied: Copy) -> None:
    env = TaggedEnv("a", 2)
    env.reset(seed=0)
    twin = copied(env)
    assert type(twin) is TaggedEnv
    assert twin.tag == "a"
    assert_same_results(drive(twin, 5, seed=0), drive(env, 5, seed=0))


def test_a_wrapped_environment_is_copied_too() -> None:
    env = ClipReward(Env(2, **SMALL), -0.05, 0.05)
    env.reset(seed=0)
    assert_same_results(drive(copy.deepcopy(env), 5, seed=0), drive(env, 5, seed=0))


CONTINUE = """
import pickle, sys
from tests.unit.test_racing_native_copies import drive
env = pickle.loads(sys.stdin.buffer.read())
sys.stdout.buffer.write(pickle.dumps((drive(env, 30, seed=6), env.get_state())))
"""


def test_a_pickled_environment_continues_in_another_process() -> None:
    env = Env(3, autoreset_mode="SameStep", max_episode_frames=25, max_episode_steps=None, **SMALL)
    env.reset(seed=0)
    drive(env, 10, seed=0)
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", CONTINUE], input=pickle.dumps(env), cwd=root, capture_output=True, check=True
    )
    results, states = pickle.loads(run.stdout)
    assert_same_results(results, drive(env, 30, seed=6))
    assert states == env.get_state()


def test_a_copy_opens_a_window_of_its_own() -> None:
    pygame = pytest.importorskip("pygame")
    env = Env(1, render_mode="human", **SMALL)
    env.reset(seed=0)
    twin = copy.deepcopy(env)
    env.close()
    assert not pygame.display.get_init()
    twin.step(twin.action_space.sample())
    assert pygame.display.get_surface().get_size() == (1000, 800)
    third = copy.deepcopy(twin)
    third.step(third.action_space.sample())
    third.close()
    twin.step(twin.action_space.sample())
    twin.close()
    assert not pygame.display.get_init()
