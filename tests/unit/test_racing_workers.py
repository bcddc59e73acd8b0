"""Worker processes: their errors, their start and their end."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest

from apexline import worker_process
from apexline.racing import GameOptions, RacingWorkers, WorkerDiedError, WorkerHungError, make_env

from .counting_workers import ACTIONS, LIMIT, counting, local_of_the_worker, make, send


@pytest.fixture
def unrestarted() -> Iterator[RacingWorkers]:
    vector = make(max_restarts=0)
    vector.reset(seed=0)
    yield vector
    vector.close()


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("call", [lambda vector: vector.step(ACTIONS), lambda vector: vector.reset()])
def test_a_killed_worker_is_named(
    unrestarted: RacingWorkers, index: int, call: Callable[[RacingWorkers], object]
) -> None:
    send(unrestarted, index, signal.SIGKILL)
    with pytest.raises(WorkerDiedError, match=f"^worker process {index} was killed by SIGKILL$"):
        call(unrestarted)
    unrestarted.close()
    assert not any(process.is_alive() for process in unrestarted.processes)


def test_a_worker_that_hangs_is_named(unrestarted: RacingWorkers) -> None:
    send(unrestarted, 1, signal.SIGSTOP)
    with pytest.raises(WorkerHungError, match=r"^worker process 1 did not answer for 3 s$") as caught:
        unrestarted.step(ACTIONS)
    assert (caught.value.index, caught.value.exitcode) == (1, -signal.SIGKILL)


def test_a_worker_that_stops_in_the_middle_of_an_answer_hangs() -> None:
    """A large answer has two parts. The second one does not follow."""

    def stops() -> gym.Env[Any, Any]:
        env: Any = counting()

        def half() -> None:
            pipe = local_of_the_worker("pipe")
            os.write(pipe.fileno(), (100_000).to_bytes(4, "big") + b"x")
            os.kill(os.getpid(), signal.SIGSTOP)

        env.half = half
        return env  # type: ignore[no-any-return]

    vector = RacingWorkers([stops], timeout=0.5, max_restarts=0)
    vector.reset(seed=1)
    with pytest.raises(WorkerHungError, match="worker process 0 stopped in the middle of an answer"):
        vector.call("half")
    vector.close()


@pytest.mark.parametrize(
    ("exitcode", "how"),
    [(-signal.SIGKILL, "was killed by SIGKILL"), (-40, "was killed by signal 40"), (3, "exited with code 3")],
)
def test_the_error_names_the_worker_and_its_exit(exitcode: int, how: str) -> None:
    death = WorkerDiedError(5, exitcode)
    assert str(death) == f"worker process 5 {how}"
    assert (death.index, death.exitcode) == (5, exitcode)


def test_a_worker_that_dies_at_its_start_is_named() -> None:
    def exit_in_a_worker() -> gym.Env[Any, Any]:
        if multiprocessing.parent_process() is not None:
            os._exit(7)
        return gym.make("CartPole-v1")

    with pytest.raises(WorkerDiedError, match=r"^worker process 0 exited with code 7$"):
        RacingWorkers([exit_in_a_worker])
    assert not [p for p in multiprocessing.active_children() if p.name == "Worker<RacingWorkers>-0"]


def test_a_worker_that_hangs_at_its_start_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "START_SECONDS", 0.5)

    def stop_in_a_worker() -> gym.Env[Any, Any]:
        if multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGSTOP)
        return gym.make("CartPole-v1")

    with pytest.raises(WorkerHungError, match=r"^worker process 0 did not answer for 0\.5 s$"):
        RacingWorkers([stop_in_a_worker], timeout=0.5)


def test_close_does_not_wait_for_a_worker_that_never_answers(workers: RacingWorkers) -> None:
    send(workers, 0, signal.SIGSTOP)
    workers.step_async(ACTIONS)
    workers.close()
    assert [process.exitcode for process in workers.processes] == [-signal.SIGKILL] * 2
    workers.close()


def test_a_step_in_another_thread_ends_when_the_workers_are_killed() -> None:
    vector = make(timeout=1e9)
    vector.reset(seed=0)
    send(vector, 0, signal.SIGSTOP)
    errors: list[BaseException] = []

    def step() -> None:
        try:
            vector.step(ACTIONS)
        except WorkerDiedError as error:
            errors.append(error)

    thread = threading.Thread(target=step)
    thread.start()
    time.sleep(0.05)
    vector.kill_workers()
    thread.join()
    assert len(errors) == 1
    assert vector.restarts == 0
    vector.close()


def test_workers_ignore_the_signals_of_a_terminal(workers: RacingWorkers) -> None:
    for number in (signal.SIGINT, signal.SIGHUP):
        send(workers, 0, number)
    workers.step(ACTIONS)
    assert workers.restarts == 0


def test_signals_of_the_terminal_reach_no_worker_that_has_just_begun() -> None:
    """The first worker of an environment, and the one in its place."""
    vector = RacingWorkers([MakerThatInterrupts()], timeout=LIMIT)
    send(vector, 0, signal.SIGKILL)
    vector.reset()
    assert vector.restarts == 1
    vector.close()


class MakerThatInterrupts:
    """Sends signals to the process in which it is unpickled, before any code of the worker runs."""

    def __call__(self) -> gym.Env[Any, Any]:
        return counting()

    def __setstate__(self, _: Any) -> None:
        for number in (signal.SIGINT, signal.SIGHUP):
            os.kill(os.getpid(), number)

    def __getstate__(self) -> str:
        return "not empty"


def test_workers_end_with_their_parent_without_a_traceback() -> None:
    script = (
        "import os, signal\n"
        "from functools import partial\n"
        "import gymnasium as gym\n"
        "from apexline.racing import RacingWorkers\n"
        "vector = RacingWorkers([partial(gym.make, 'CartPole-v1')] * 2)\n"
        "vector.reset()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    # The pipes of the output are closed when the workers have ended.
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (-signal.SIGKILL, "")
    assert "Traceback" not in run.stderr


def test_a_program_that_forgets_to_close_ends_although_a_worker_is_stopped() -> None:
    script = (
        "import os, signal\n"
        "from functools import partial\n"
        "import gymnasium as gym\n"
        "from apexline.racing import RacingWorkers\n"
        "vector = RacingWorkers([partial(gym.make, 'CartPole-v1')] * 2)\n"
        "vector.reset()\n"
        "os.kill(vector.processes[0].pid, signal.SIGSTOP)\n"
        "gym.kept = vector\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"timeout": 0}, "timeout is 0; expected"), ({"max_restarts": -1}, "max_restarts is -1; expected")],
)
def test_limits_out_of_range_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**arguments)


@pytest.mark.filterwarnings(
    "ignore:.*ERROR:UserWarning"
)  # gymnasium shows the worker's traceback as warnings
@pytest.mark.parametrize("is_replaced", [False, True])
def test_an_error_of_an_environment_keeps_its_type(is_replaced: bool) -> None:
    def without_track() -> gym.Env[Any, Any]:
        def fail(**_: Any) -> Any:
            raise ZeroDivisionError("no track")

        env = gym.make("CartPole-v1", disable_env_checker=True)
        env.unwrapped.reset = fail
        return env

    vector = RacingWorkers([without_track])
    if is_replaced:
        send(vector, 0, signal.SIGKILL)
    with pytest.raises(ZeroDivisionError, match="no track"):
        vector.reset()
    assert vector.restarts == is_replaced
    vector.close()


@pytest.mark.filterwarnings("ignore:.*ERROR:UserWarning")
def test_an_error_that_cannot_be_pickled_keeps_its_message() -> None:
    def local_error() -> gym.Env[Any, Any]:
        class LocalError(Exception):
            pass

        def fail(**_: Any) -> Any:
            raise LocalError("no track")

        env = gym.make("CartPole-v1", disable_env_checker=True)
        env.unwrapped.reset = fail
        return env

    vector = RacingWorkers([local_error])
    with pytest.raises(RuntimeError, match="LocalError: no track"):
        vector.reset()
    vector.close()


def test_a_worker_that_exits_in_the_middle_of_a_step_is_named() -> None:
    def exits() -> gym.Env[Any, Any]:
        env = gym.make("CartPole-v1", disable_env_checker=True)
        env.unwrapped.step = lambda _: os._exit(3)
        return env

    vector = RacingWorkers([exits], max_restarts=0)
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
