"""Rewards and actions that are not finite, in the collector."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import Any

import numpy as np
import pytest

from apexline.racing import RacingWorkers
from apexline.training import DivergedError
from apexline.training.acting.collector import Collector
from apexline.training.acting.faults import MAX_IN_A_ROW, FaultCounter

from .test_training_collector import NUM_ENVS, CountingEnv, make, still


def drive(collector: Collector, steps: int) -> None:
    for _ in range(steps):
        collector.begin()
        collector.finish()


def bad_rewards(monkeypatch: pytest.MonkeyPatch, bad: dict[int, range], value: float) -> None:
    """Environments return `value` as the reward of the steps `bad`, counted over episodes."""
    step = CountingEnv.step

    def faulty(env: CountingEnv, action: Any) -> Any:
        frame, reward, *rest = step(env, action)
        is_bad = len(env.actions) - 1 in bad.get(env.env, ())
        return frame, value if is_bad else reward, *rest

    monkeypatch.setattr(CountingEnv, "step", faulty)


def stored(collector: Collector) -> list[tuple[int, int, float]]:
    """Every transition of the replay: its frame, its next frame, its reward."""
    batch = collector.replay.sample(4000)
    rows = zip(batch.obs[:, -1, 0, 0], batch.next_obs[:, -1, 0, 0], batch.reward, strict=True)
    return sorted({(int(frame), int(after), float(reward)) for frame, after, reward in rows})


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_a_step_with_a_bad_reward_is_not_stored(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = make(still)
    drive(clean, 20)
    bad_rewards(monkeypatch, {1: range(2, 4)}, value)
    collector = make(still)
    drive(collector, 20)
    assert collector.dropped_steps == 2
    assert (collector.steps, collector.episodes) == (clean.steps, clean.episodes)
    # Frames 2001, 2002, ...: the steps at 2003 and 2004 are dropped, and 2002 is the last frame of its episode.
    lost = {(2002, 2003, 1.0), (2003, 2004, 1.0), (2004, 2005, 1.0)}
    assert lost < set(stored(clean))
    assert set(stored(clean)) - set(stored(collector)) == lost
    assert set(stored(collector)) < set(stored(clean))
    collector.replay.check()


def test_the_step_of_a_lost_worker_is_not_stored_and_its_episode_has_no_score() -> None:
    workers = RacingWorkers([partial(CountingEnv, env) for env in range(NUM_ENVS)])
    collector = make(still, envs=workers)
    drive(collector, 2)
    pid = workers.processes[1].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    drive(collector, 1)
    assert workers.restarts == 1
    assert (collector.steps, collector.episodes) == (9, 0)
    assert collector.frames == 4 * (3 + 2 + 3)
    drive(collector, 1)
    assert (collector.episodes, collector.frames) == (1, 4 * (4 + 2 + 1 + 4))
    # The last observation of the episode was 2003; the next one begins at 2001 again.
    assert {row for row in stored(collector) if 2000 < row[0] < 3000} == {(2001, 2002, 1.0)}
    assert collector.dropped_steps == 0
    collector.replay.check()
    collector.close()


def test_close_does_not_wait_for_a_step_of_a_worker_that_hangs() -> None:
    workers = RacingWorkers([partial(CountingEnv, env) for env in range(NUM_ENVS)], timeout=1e9)
    collector = make(still, envs=workers)
    pid = workers.processes[1].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    collector.begin()
    collector.close()
    assert workers.restarts == 0
    assert not any(process.is_alive() for process in workers.processes)


def test_the_last_step_of_an_episode_may_be_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    bad_rewards(monkeypatch, {0: range(3, 4)}, np.nan)
    collector = make(still)
    drive(collector, 12)
    assert collector.dropped_steps == 1
    frames = [frame for frame, _, _ in stored(collector)]
    assert frames[:3] == [1001, 1002, 1006], (
        "1005 is the final frame of the episode, 1006 the first of the next"
    )
    collector.replay.check()


def test_bad_rewards_without_end_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    bad_rewards(monkeypatch, {2: range(5, 1000)}, np.inf)
    collector = make(still)
    drive(collector, 5 + MAX_IN_A_ROW - 1)
    with pytest.raises(
        DivergedError, match=r"rewards of environment 2 were not finite 100 times .*reward_scale"
    ):
        drive(collector, 1)
    assert collector.dropped_steps == MAX_IN_A_ROW


def test_bad_rewards_now_and_then_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = {env: range(env, 1000, 2) for env in range(NUM_ENVS)}
    bad_rewards(monkeypatch, bad, np.nan)  # type: ignore[arg-type]
    collector = make(still)
    drive(collector, 250)
    assert collector.dropped_steps == 125 + 125 + 124


def test_an_environment_whose_action_is_not_finite_gets_a_random_one() -> None:
    def policy(stacks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        actions = still(stacks)
        actions[1] = np.nan
        return actions

    collector = make(policy)
    drive(collector, 3)
    actions = [env.unwrapped.actions for env in collector.envs.envs]  # type: ignore[attr-defined]
    assert np.all(actions[0] == np.zeros(2))
    assert np.all(actions[1] == np.full(2, 0.25))
    drive(collector, MAX_IN_A_ROW - 4)
    with pytest.raises(
        DivergedError, match=r"actions of environment 1 were not finite 100 times .*agent.actor_lr"
    ):
        drive(collector, 1)


def test_a_fault_of_each_environment_counts() -> None:
    counter = FaultCounter(3, "rewards", "advice")
    assert counter.count(np.ones(3)) is None
    mask = counter.count(np.array([np.nan, 1.0, -np.inf]))
    assert mask is not None
    assert mask.tolist() == [True, False, True]
    assert counter.total == 2
