"""Worker processes that die, on CartPole because it starts fast."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from apexline.racing import GameOptions, RacingWorkers, WorkerDiedError, make_env

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


@pytest.mark.parametrize(
    ("exitcode", "how"),
    [(-signal.SIGKILL, "was killed by SIGKILL"), (-40, "was killed by signal 40"), (3, "exited with code 3")],
)
def test_the_error_names_the_worker_and_its_exit(exitcode: int, how: str) -> None:
    death = WorkerDiedError(5, exitcode)
    assert str(death) == f"worker process 5 {how}"
    assert (death.index, death.exitcode) == (5, exitcode)


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("call", [lambda vector: vector.step(ACTIONS), lambda vector: vector.reset()])
def test_a_killed_worker_is_named(
    workers: RacingWorkers, index: int, call: Callable[[RacingWorkers], object]
) -> None:
    send(workers, index, signal.SIGKILL)
    with pytest.raises(WorkerDiedError, match=f"worker process {index} was killed by SIGKILL"):
        call(workers)
    workers.close()
    assert not any(process.is_alive() for process in workers.processes)


def test_a_worker_killed_in_the_middle_of_a_step_is_named(workers: RacingWorkers) -> None:
    send(workers, 1, signal.SIGSTOP)
    workers.step_async(ACTIONS)
    send(workers, 1, signal.SIGKILL)
    with pytest.raises(WorkerDiedError, match="worker process 1 was killed by SIGKILL"):
        workers.step_wait()


def test_a_worker_that_dies_at_its_start_is_named() -> None:
    def exit_in_a_worker() -> gym.Env[Any, Any]:
        if multiprocessing.parent_process() is not None:
            os._exit(7)
        return gym.make("CartPole-v1")

    with pytest.raises(WorkerDiedError, match="worker process 0 exited with code 7"):
        RacingWorkers([exit_in_a_worker])


def test_close_does_not_wait_for_a_worker_that_never_answers(workers: RacingWorkers) -> None:
    send(workers, 0, signal.SIGSTOP)
    workers.step_async(ACTIONS)
    workers.close()
    assert [process.exitcode for process in workers.processes] == [-signal.SIGKILL] * 2


@pytest.mark.filterwarnings(
    "ignore:.*ERROR:UserWarning"
)  # gymnasium shows the worker's traceback as warnings
def test_an_error_of_an_environment_keeps_its_type() -> None:
    def without_track() -> gym.Env[Any, Any]:
        def fail(**_: Any) -> Any:
            raise ZeroDivisionError("no track")

        env = gym.make("CartPole-v1", disable_env_checker=True)
        env.unwrapped.reset = fail
        return env

    vector = RacingWorkers([without_track])
    with pytest.raises(ZeroDivisionError, match="no track"):
        vector.reset()
    vector.close()


def test_a_worker_that_exits_in_the_middle_of_a_step_is_named() -> None:
    def exits() -> gym.Env[Any, Any]:
        env = gym.make("CartPole-v1", disable_env_checker=True)
        env.unwrapped.step = lambda _: os._exit(3)
        return env

    vector = RacingWorkers([exits])
    vector.reset()
    with pytest.raises(WorkerDiedError, match="worker process 0 exited with code 3"):
        vector.step(ACTIONS[:1])
    vector.close()


def test_a_game_in_a_worker_imports_no_torch() -> None:
    def spy() -> gym.Env[Any, Any]:
        env = make_env(GameOptions(), backend="gymnasium")
        env.unwrapped.metadata = {name: name in sys.modules for name in ("apexline", "torch")}
        return env

    vector = RacingWorkers([spy])
    assert vector.get_attr("metadata") == ({"apexline": True, "torch": False},)
    vector.close()


def test_workers_do_not_import_the_main_module(tmp_path: Path) -> None:
    script = tmp_path / "without_main_guard.py"
    script.write_text(
        "from functools import partial\n"
        "import gymnasium as gym\n"
        "from apexline.racing import RacingWorkers\n"
        "print('imported')\n"
        "RacingWorkers([partial(gym.make, 'CartPole-v1')]).close()\n"
    )
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "imported\n", "")
