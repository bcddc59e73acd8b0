"""The collector, on an environment whose every frame is a different number."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from apexline.agent import LinearSchedule, NoiseConfig, make_noise
from apexline.replay import PrioritizedFrameReplay
from apexline.training.acting.collector import Collector

LANES = 3
STACK = 3
BOUND = np.array([1.0, 0.5], np.float32)


class CountingEnv(gym.Env[Any, Any]):
    """Frames (1, 1) uint32 that never repeat; episodes of fixed lengths that end both ways in turn."""

    observation_space = gym.spaces.Box(0, 2**32 - 1, (1, 1), np.uint32)
    action_space = gym.spaces.Box(-BOUND, BOUND, (2,), np.float32)

    def __init__(self, lane: int) -> None:
        self.lane = lane
        self.shown = 0
        self.episode = -1
        self.actions: list[np.ndarray[Any, Any]] = []

    def _frame(self) -> np.ndarray[Any, Any]:
        self.shown += 1
        return np.array([[1000 * (self.lane + 1) + self.shown]], np.uint32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.episode += 1
        self.played = 0
        return self._frame(), {"frames": 0, "score": 0.0, "tiles": 0.0}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.actions.append(action.copy())
        self.played += 1
        over = self.played == 4 + self.lane
        terminated, truncated = over and self.episode % 2 == 0, over and self.episode % 2 == 1
        info: dict[str, Any] = {"frames": 4 * self.played, "score": 2.0 * self.played, "tiles": 0.5}
        return self._frame(), 2.0, terminated, truncated, info


Policy = Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]


def make(
    policy: Policy,
    noise: NoiseConfig | None = None,
    learning_starts: int = 0,
    *,
    in_background: bool = True,
) -> Collector:
    envs = SyncVectorEnv(
        [lambda lane=lane: CountingEnv(lane) for lane in range(LANES)], autoreset_mode=AutoresetMode.SAME_STEP
    )
    replay = PrioritizedFrameReplay(
        capacity=300,
        num_envs=LANES,
        frame_shape=(1, 1),
        action_shape=(2,),
        frame_dtype=np.uint32,
        frame_stack=STACK,
    )
    collector = Collector(
        envs,
        replay,
        policy,
        make_noise(noise or NoiseConfig(kind="none"), LANES, 2, seed=0),
        random_actions=lambda: np.full((LANES, 2), 0.25, np.float32),
        learning_starts=learning_starts,
        reward_scale=0.5,
        in_background=in_background,
    )
    collector.reset(seed=0)
    return collector


def test_what_the_actor_saw_is_what_the_replay_returns() -> None:
    seen: dict[bytes, np.ndarray[Any, Any]] = {}
    count = 0

    def policy(stacks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        nonlocal count
        actions = np.array([[0.001 * (count + lane), 0.0] for lane in range(LANES)], np.float32)
        count += LANES
        for stack, action in zip(stacks, actions, strict=True):
            seen[action.tobytes()] = stack.copy()
        return actions

    collector = make(policy)
    for _ in range(40):
        collector.begin()
        collector.finish()
    batch = collector.replay.sample(2000)
    for obs, action in zip(batch.obs, batch.action, strict=True):
        assert np.array_equal(seen[action.tobytes()], obs)
    assert len({action.tobytes() for action in batch.action}) == len(collector.replay)
    assert np.all(batch.reward == 1.0)
    newest = batch.next_obs[:, -1, 0, 0].astype(int) - batch.obs[:, -1, 0, 0]
    assert np.all(newest == 1), "the next frame is the true next one, not the first after a reset"


def test_actions_are_clipped_to_each_dimensions_bounds() -> None:
    collector = make(lambda stacks: np.full((len(stacks), 2), 0.9, np.float32))
    collector.begin()
    collector.finish()
    env = collector.envs.envs[0].unwrapped  # type: ignore[attr-defined]
    assert np.array_equal(env.actions[0], np.array([0.9, 0.5], np.float32))


def test_random_actions_come_first_then_the_policy_with_noise() -> None:
    noise = NoiseConfig(sigma=LinearSchedule(0.1), env_factors=())
    collector = make(lambda stacks: np.zeros((len(stacks), 2), np.float32), noise, learning_starts=2 * LANES)
    for _ in range(3):
        collector.begin()
        collector.finish()
    actions = np.array(collector.envs.envs[1].unwrapped.actions)  # type: ignore[attr-defined]
    assert np.all(actions[:2] == 0.25)
    assert np.all(actions[2] != 0)
    assert np.all(np.abs(actions[2]) < 0.5)


def test_episodes_and_frames_are_counted() -> None:
    collector = make(lambda stacks: np.zeros((len(stacks), 2), np.float32))
    episodes = []
    for _ in range(9):
        collector.begin()
        episodes += collector.finish()
    lengths = [4, 4, 5, 6]
    assert sorted(episode.frames for episode in episodes) == [4 * length for length in lengths]
    assert sorted(episode.score for episode in episodes) == [2.0 * length for length in lengths]
    assert collector.steps == 9 * LANES
    assert collector.frames == 4 * 9 * LANES
    assert collector.episodes == 4


def test_an_ended_lanes_noise_begins_anew() -> None:
    noise = NoiseConfig(kind="ou", sigma=LinearSchedule(0.3), env_factors=())
    collector = make(lambda stacks: np.zeros((len(stacks), 2), np.float32), noise)
    for _ in range(4):
        collector.begin()
        collector.finish()
    state = np.array(collector.noise.state_dict()["x"])
    assert np.all(state[0] == 0)
    assert np.all(state[1:] != 0)


def test_counters_and_noise_go_on_from_a_state() -> None:
    noise = NoiseConfig(kind="ou", sigma=LinearSchedule(0.3), env_factors=())
    first = make(lambda stacks: np.zeros((len(stacks), 2), np.float32), noise, learning_starts=7)
    for _ in range(5):
        first.begin()
        first.finish()
    second = make(lambda stacks: np.zeros((len(stacks), 2), np.float32), noise)
    second.load_state_dict(first.state_dict())
    assert second.learning_starts == first.learning_starts == 7
    assert (second.steps, second.frames, second.episodes) == (
        first.steps,
        first.frames,
        first.episodes,
    )
    assert np.array_equal(second.noise.sample(0), first.noise.sample(0))


def test_finish_needs_begin() -> None:
    with pytest.raises(AssertionError, match="without begin"):
        make(lambda stacks: np.zeros((len(stacks), 2), np.float32)).finish()


def still(stacks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.zeros((len(stacks), 2), np.float32)


def test_a_step_is_driven_beside_its_caller_and_stored_by_finish() -> None:
    may_go_on = threading.Event()

    def patient(stacks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        assert may_go_on.wait(timeout=60)
        return still(stacks)

    collector = make(patient)
    collector.begin()
    assert (collector.steps, len(collector.replay)) == (0, 0), "begin has returned, and nothing is stored yet"
    may_go_on.set()
    collector.finish()
    assert collector.steps == LANES
    collector.close()


def test_without_a_thread_begin_plays_the_step_itself() -> None:
    threads = []

    def telling(stacks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        threads.append(threading.current_thread())
        return still(stacks)

    collector = make(telling, in_background=False)
    collector.begin()
    assert threads == [threading.main_thread()]
    collector.finish()
    beside = make(telling)
    beside.begin()
    beside.finish()
    assert threads[1] is not threading.main_thread()
    beside.close()


def test_settling_finishes_a_step_under_way() -> None:
    collector = make(still)
    collector.settle()
    assert collector.steps == 0
    collector.begin()
    collector.settle()
    collector.settle()
    assert collector.steps == LANES
    collector.close()


def test_settling_drops_a_step_that_failed() -> None:
    def failing(_: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        raise OSError("no road")

    collector = make(failing)
    collector.begin()
    with pytest.raises(OSError, match="no road"):
        collector.finish()
    collector.settle()
    assert (collector.steps, collector.race()) == (0, None)
    collector.close()
