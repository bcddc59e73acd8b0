"""Worker processes that die, on CartPole because it starts fast."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from apexline.racing import RacingWorkers, WorkerDied

ACTIONS = np.zeros(2, np.int64)


@pytest.fixture
def workers() -> Iterator[RacingWorkers]:
    vector = RacingWorkers([partial(gym.make, "CartPole-v1")] * 2)
    vector.reset(seed=0)
    yield vector
    vector.close()


def send(vector: RacingWorkers, index: int, number: signal.Signals) -> None:
    pid = vector.processes[index].pid
    assert pid is not None
    os.kill(pid, number)


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("call", [lambda vector: vector.step(ACTIONS), lambda vector: vector.reset()])
def test_a_killed_worker_is_named(
    workers: RacingWorkers, index: int, call: Callable[[RacingWorkers], object]
) -> None:
    send(workers, index, signal.SIGKILL)
    with pytest.raises(WorkerDied, match=f"worker process {index} was killed by SIGKILL") as death:
        call(workers)
    assert (death.value.index, death.value.exitcode) == (index, -signal.SIGKILL)
    workers.close()
    assert not any(process.is_alive() for process in workers.processes)


def test_a_worker_killed_in_the_middle_of_a_step_is_named(workers: RacingWorkers) -> None:
    send(workers, 1, signal.SIGSTOP)
    workers.step_async(ACTIONS)
    send(workers, 1, signal.SIGKILL)
    with pytest.raises(WorkerDied, match="worker process 1 was killed by SIGKILL"):
        workers.step_wait()


def test_a_worker_that_dies_at_its_start_is_named() -> None:
    def exit_in_a_worker() -> gym.Env[Any, Any]:
        if multiprocessing.parent_process() is not None:
            os._exit(7)
        return gym.make("CartPole-v1")

    with pytest.raises(WorkerDied, match="worker process 0 exited with code 7"):
        RacingWorkers([exit_in_a_worker])


def test_close_does_not_wait_for_a_worker_that_never_answers(workers: RacingWorkers) -> None:
    send(workers, 0, signal.SIGSTOP)
    workers.step_async(ACTIONS)
    workers.close()
    assert [process.exitcode for process in workers.processes] == [-signal.SIGKILL] * 2


def test_an_error_of_an_environment_keeps_its_type() -> None:
    def without_reset() -> gym.Env[Any, Any]:
        class Broken(gym.Env[Any, Any]):
            observation_space = gym.spaces.Box(0, 1, (1,), np.float32)
            action_space = gym.spaces.Discrete(1)

            def reset(self, **_: Any) -> Any:
                raise ZeroDivisionError("no track")

        return Broken()

    vector = RacingWorkers([without_reset])
    with pytest.raises(ZeroDivisionError, match="no track"):
        vector.reset()
    vector.close()


def test_workers_import_neither_torch_nor_the_main_module() -> None:
    def spy() -> gym.Env[Any, Any]:
        env = gym.make("CartPole-v1")
        env.unwrapped.loaded = [name for name in ("torch", "__mp_main__") if name in sys.modules]  # type: ignore[attr-defined]
        return env

    vector = RacingWorkers([spy])
    assert vector.get_attr("loaded") == ([],)
    vector.close()
    assert sys.modules["__main__"].__name__ == "__main__"
