"""Worker processes that die or hang are replaced, and their episodes truncated."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from apexline import worker_process
from apexline.racing import RacingWorkers, WorkerDiedError

from .counting_workers import ACTIONS, LIMIT, counting, local_of_the_worker, make, send

FAULTS = pytest.mark.parametrize(
    ("number", "fault"),
    [(signal.SIGKILL, "was killed by SIGKILL"), (signal.SIGSTOP, "did not answer for 3 s")],
)


def assert_interrupted(step: Any, index: int, score: float) -> None:
    """Environment `index` alone was interrupted after `score` steps, and began an episode with another seed."""
    observations, rewards, terminated, truncated, infos = step
    assert list(np.flatnonzero(truncated)) == [index]
    assert not terminated.any()
    other = 1 - index
    assert (rewards[index], rewards[other]) == (0.0, 1.0)
    seed, steps, _ = observations[index]
    assert seed not in (-1, 5, 6)
    assert steps == 0
    assert (observations[other, 0], observations[other, 1]) == (5 + other, score + 1)
    np.testing.assert_array_equal(infos["final_obs"][index][:2], [5 + index, score])
    assert infos["final_obs"][other] is None
    assert infos["final_info"]["score"][index] == score
    np.testing.assert_array_equal(infos["final_info"]["interrupted"], np.arange(2) == index)
    assert infos["score"][index] == 0


@FAULTS
@pytest.mark.parametrize("index", [0, 1])
def test_a_step_replaces_a_lost_worker_and_truncates_its_episode(
    workers: RacingWorkers, index: int, number: signal.Signals, fault: str
) -> None:
    send(workers, index, number)
    assert_interrupted(workers.step(ACTIONS), index, score=1.0)
    assert (workers.restarts, workers.last_fault) == (1, f"worker process {index} {fault}")
    observations, rewards, _, truncated, infos = workers.step(ACTIONS)
    assert list(observations[:, 1]) == ([1, 3] if index == 0 else [3, 1])
    assert list(rewards) == [1, 1]
    assert not truncated.any()
    assert "final_info" not in infos
    assert workers.restarts == 1


@FAULTS
def test_a_worker_lost_in_the_middle_of_a_step(
    workers: RacingWorkers, number: signal.Signals, fault: str
) -> None:
    send(workers, 1, signal.SIGSTOP)
    workers.step_async(ACTIONS)
    send(workers, 1, number)
    assert_interrupted(workers.step_wait(), 1, score=1.0)
    assert workers.last_fault == f"worker process 1 {fault}"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_seeded_reset_is_repeated(workers: RacingWorkers, number: signal.Signals) -> None:
    send(workers, 1, number)
    observations, infos = workers.reset(seed=9)
    np.testing.assert_array_equal(observations, [[9, 0, 0], [10, 0, 0]])
    assert list(infos["score"]) == [0, 0]
    assert workers.restarts == 1
    _, _, _, truncated, _ = workers.step(ACTIONS)
    assert not truncated.any()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_rules_that_are_set_when_a_worker_is_lost(workers: RacingWorkers, number: signal.Signals) -> None:
    """All workers have them, and the next step truncates the episode of the lost one."""
    send(workers, 1, number)
    workers.set_rules({"idle_penalty": 4.0})
    assert workers.restarts == 1
    step = workers.step(ACTIONS)
    assert_interrupted(step, 1, score=1.0)
    assert list(step[0][:, 2]) == [4, 4]


def test_a_new_worker_has_the_latest_rules(workers: RacingWorkers) -> None:
    for penalty in (3.0, 7.0):
        workers.set_rules({"idle_penalty": penalty})
    send(workers, 0, signal.SIGKILL)
    step = workers.step(ACTIONS)
    assert_interrupted(step, 0, score=1.0)
    assert list(step[0][:, 2]) == [7, 7]


def test_a_masked_reset_returns_the_last_observation_of_a_lost_worker(workers: RacingWorkers) -> None:
    send(workers, 0, signal.SIGKILL)
    mask = np.array([False, True])
    observations, _ = workers.reset(seed=[None, 6], options={"reset_mask": mask})
    np.testing.assert_array_equal(observations, [[5, 1, 0], [6, 0, 0]])
    observations, _, _, truncated, infos = workers.step(ACTIONS)
    assert list(truncated) == [True, False]
    np.testing.assert_array_equal(infos["final_obs"][0], [5, 1, 0])
    assert observations[0, 0] not in (-1, 5, 6)
    np.testing.assert_array_equal(observations[:, 1], [0, 1])


def test_attributes_of_a_lost_worker(workers: RacingWorkers) -> None:
    send(workers, 0, signal.SIGKILL)
    assert workers.get_attr("steps") == (0, 1)
    send(workers, 0, signal.SIGKILL)
    workers.set_attr("rules", 2)
    assert workers.get_attr("rules") == (2, 2)
    assert workers.restarts == 2
    assert_interrupted(workers.step(ACTIONS), 0, score=1.0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_all_workers_at_once(workers: RacingWorkers, number: signal.Signals) -> None:
    """Those that hang use up one time limit together."""
    for index in (0, 1):
        send(workers, index, number)
    observations, rewards, _, truncated, infos = workers.step(ACTIONS)
    assert truncated.all()
    assert not rewards.any()
    assert infos["final_info"]["interrupted"].all()
    assert workers.restarts == 2
    assert len({*observations[:, 0]}) == 2
    _, rewards, _, truncated, _ = workers.step(ACTIONS)
    assert rewards.all()
    assert not truncated.any()


def test_the_seeds_of_new_episodes_depend_on_the_losses_alone() -> None:
    seeds = []
    for _ in range(2):
        vector = make()
        vector.reset(seed=5)
        seen = []
        for index in (0, 1, 1):
            send(vector, index, signal.SIGKILL)
            seen.append(vector.step(ACTIONS)[0][index, 0])
        seeds.append(seen)
        vector.close()
    assert seeds[0] == seeds[1]
    assert len({*seeds[0]}) == 3


def test_an_episode_that_ends_and_a_lost_one_in_the_same_step() -> None:
    vector = RacingWorkers([partial(counting, 2), counting], timeout=LIMIT)
    vector.reset()
    vector.step(ACTIONS)
    send(vector, 1, signal.SIGKILL)
    observations, rewards, _, truncated, infos = vector.step(ACTIONS)
    assert truncated.all()
    assert list(rewards) == [1, 0]
    assert list(infos["final_info"]["score"]) == [2, 1]
    assert list(infos["final_info"]["interrupted"]) == [False, True]
    assert [frame[1] for frame in infos["final_obs"]] == [2, 1]
    assert list(observations[:, 0]) == [-1, -1], "without a seeded reset, seeds are random"
    vector.close()


def test_the_last_observation_is_whole_when_a_worker_dies_while_it_writes_one() -> None:
    def torn() -> gym.Env[Any, Any]:
        env: Any = counting()
        play = env.step

        def step(action: Any) -> Any:
            if env.steps == 1:
                np.frombuffer(local_of_the_worker("shared_memory").get_obj())[:2] = 777
                os.kill(os.getpid(), signal.SIGKILL)
            return play(action)

        env.step = step
        return env  # type: ignore[no-any-return]

    vector = RacingWorkers([torn], timeout=LIMIT)
    vector.reset(seed=5)
    vector.step(ACTIONS[:1])
    observations, *_, infos = vector.step(ACTIONS[:1])
    np.testing.assert_array_equal(infos["final_obs"][0], [5, 1, 0])
    assert observations[0, 1] == 0
    vector.close()


def test_a_new_worker_that_hangs_at_its_start_is_replaced(
    workers: RacingWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the new workers has a time limit, until one answers."""
    monkeypatch.setattr(worker_process, "START_SECONDS", LIMIT)
    start = workers._supervisor._start
    started = []

    def stopped(index: int) -> Any:
        worker = start(index)
        started.append(worker)
        if len(started) == 1:
            os.kill(worker.process.pid or 0, signal.SIGSTOP)
        return worker

    monkeypatch.setattr(workers._supervisor, "_start", stopped)
    send(workers, 1, signal.SIGKILL)
    assert_interrupted(workers.step(ACTIONS), 1, score=1.0)
    assert workers.restarts == len(started) == 2
    assert workers.last_fault == "worker process 1 did not answer for 3 s"


def test_after_the_limit_the_error_names_the_worker_and_the_restarts() -> None:
    vector = make(max_restarts=2)
    vector.reset(seed=0)
    for _ in range(2):
        send(vector, 1, signal.SIGKILL)
        vector.step(ACTIONS)
    send(vector, 1, signal.SIGKILL)
    with pytest.raises(WorkerDiedError, match="worker process 1 was killed by SIGKILL after 2 restarts of"):
        vector.step(ACTIONS)
    assert vector.restarts == 2
    vector.close()


def test_a_worker_that_always_dies_reaches_the_limit() -> None:
    def exits() -> gym.Env[Any, Any]:
        env: Any = counting()
        env.reset = lambda **_: os._exit(3)
        return env  # type: ignore[no-any-return]

    vector = RacingWorkers([exits], max_restarts=2)
    with pytest.raises(WorkerDiedError, match="worker process 0 exited with code 3 after 2 restarts"):
        vector.reset()
    vector.close()
