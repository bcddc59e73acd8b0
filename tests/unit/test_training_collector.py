"""The collector, on environments whose frames are all different numbers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from apexline.agent import LinearSchedule, NoiseConfig, make_noise
from apexline.replay import PrioritizedFrameReplay
from apexline.training.acting.collector import Collector

NUM_ENVS = 3
STACK = 3
BOUND = np.array([1.0, 0.5], np.float32)


class CountingEnv(gym.Env[Any, Any]):
    """Frames (1, 1) uint32 that never repeat; episodes of fixed lengths that end both ways in turn."""

    observation_space = gym.spaces.Box(0, 2**32 - 1, (1, 1), np.uint32)
    action_space = gym.spaces.Box(-BOUND, BOUND, (2,), np.float32)

    def __init__(self, env: int) -> None:
        self.env = env
        self.shown = 0
        self.episode = -1
        self.actions: list[np.ndarray[Any, Any]] = []

    def _frame(self) -> np.ndarray[Any, Any]:
        self.shown += 1
        return np.array([[1000 * (self.env + 1) + self.shown]], np.uint32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.episode += 1
        self.played = 0
        return self._frame(), {"frames": 0, "score": 0.0, "tiles": 0.0}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.actions.append(action.copy())
        self.played += 1
        over = self.played == 4 + self.env
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
    envs: gym.vector.VectorEnv[Any, Any, Any] | None = None,
) -> Collector:
    envs = envs or SyncVectorEnv(
        [lambda env=env: CountingEnv(env) for env in range(NUM_ENVS)], autoreset_mode=AutoresetMode.SAME_STEP
    )
    replay = PrioritizedFrameReplay(
        capacity=300,
        num_envs=NUM_ENVS,
        frame_shape=(1, 1),
        action_shape=(2,),
        frame_dtype=np.uint32,
        frame_stack=STACK,
    )
    collector = Collector(
        envs,
        replay,
        policy,
        make_noise(noise or NoiseConfig(kind="none"), NUM_ENVS, 2, seed=0),
        random_actions=lambda: np.full((NUM_ENVS, 2), 0.25, np.float32),
        learning_starts=learning_starts,
        reward_scale=0.5,
        in_background=in_background,
    )
    collector.reset(seed=0)
    return collector


def test_the_replay_returns_the_stacks_that_the_policy_saw() -> None:
    seen: dict[bytes, np.ndarray[Any, Any]] = {}
    count = 0

    def policy(stacks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        nonlocal count
        actions = np.array([[0.001 * (count + env), 0.0] for env in range(NUM_ENVS)], np.float32)
        count += NUM_ENVS
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
    collector = make(
        lambda stacks: np.zeros((len(stacks), 2), np.float32), noise, learning_starts=2 * NUM_ENVS
    )
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
    assert collector.steps == 9 * NUM_ENVS
    assert collector.frames == 4 * 9 * NUM_ENVS
    assert collector.episodes == 4


def test_noise_is_reset_at_the_end_of_an_episode() -> None:
    noise = NoiseConfig(kind="ou", sigma=LinearSchedule(0.3), env_factors=())
    collector = make(lambda stacks: np.zeros((len(stacks), 2), np.float32), noise)
    for _ in range(4):
        collector.begin()
        collector.finish()
    state = np.array(collector.noise.state_dict()["x"])
    assert np.all(state[0] == 0)
    assert np.all(state[1:] != 0)


def test_counters_and_noise_continue_from_a_state() -> None:
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
    with pytest.raises(AssertionError, match="without start"):
        make(lambda stacks: np.zeros((len(stacks), 2), np.float32)).finish()


def still(stacks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.zeros((len(stacks), 2), np.float32)


def test_a_step_runs_in_the_background_and_is_stored_by_finish() -> None:
    may_continue = threading.Event()

    def patient(stacks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        assert may_continue.wait(timeout=60)
        return still(stacks)

    collector = make(patient)
    collector.begin()
    assert (collector.steps, len(collector.replay)) == (0, 0), "begin has returned, and nothing is stored yet"
    may_continue.set()
    collector.finish()
    assert collector.steps == NUM_ENVS
    collector.close()


def test_without_a_thread_begin_makes_the_step() -> None:
    threads = []

    def recording(stacks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        threads.append(threading.current_thread())
        return still(stacks)

    collector = make(recording, in_background=False)
    collector.begin()
    assert threads == [threading.main_thread()]
    collector.finish()
    background = make(recording)
    background.begin()
    background.finish()
    assert threads[1] is not threading.main_thread()
    background.close()


def test_after_a_step_that_failed_there_are_no_running_episodes_to_save() -> None:
    def failing(_: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        raise OSError("no road")

    collector = make(failing)
    collector.begin()
    with pytest.raises(OSError, match="no road"):
        collector.finish()
    assert collector.steps == 0
    assert collector.state_dict()["running_episodes"] is None
    collector.close()


def test_the_environments_own_frames_are_given_to_the_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    """So each frame is copied once on its way into the ring buffer."""
    collector = make(still)
    returned = [collector._frames]
    step, add = collector.envs.step, collector.replay.add
    stored = []

    def recorded_step(actions: Any) -> Any:
        result = step(actions)
        returned.append(result[0])
        return result

    def recorded_add(frames: Any, *arguments: Any) -> None:
        stored.append(frames)
        add(frames, *arguments)

    monkeypatch.setattr(collector.envs, "step", recorded_step)
    collector.replay = SimpleNamespace(add=recorded_add)  # type: ignore[assignment]
    for _ in range(6):
        collector.begin()
        collector.finish()
    assert len(stored) == 6
    assert all(frames is own for frames, own in zip(stored, returned, strict=False))
    collector.close()
