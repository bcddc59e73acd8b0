"""Environments in worker processes, which are replaced when they die or hang."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from gymnasium.vector import AsyncVectorEnv, AutoresetMode
from gymnasium.vector.async_vector_env import AsyncState
from gymnasium.vector.utils import CloudpickleWrapper

from apexline.racing.options import RulesLike, rules_of
from apexline.racing.stock.supervised_pipe import SupervisedPipe
from apexline.racing.stock.supervisor import (
    SharedObservations,
    Supervisor,
    WorkerDiedError,
    WorkerHungError,
)
from apexline.racing.stock.worker import environment_worker
from apexline.racing.types import Env
from apexline.racing.validation import require_integer, require_positive
from apexline.worker_process import (
    END_SECONDS,
    WorkerProcess,
    start_resource_tracker,
    start_worker,
    starting,
)

__all__ = ["RacingWorkers", "WorkerDiedError", "WorkerHungError"]

TIMEOUT = 60.0
"""Default time limit of workers in seconds. A step takes milliseconds, a reset tens of them."""
LONGEST_TIMEOUT = 1e9
"""Seconds."""
MAX_RESTARTS = 20
"""Default number of workers that are replaced."""


class RacingWorkers(AsyncVectorEnv):
    """gymnasium's AsyncVectorEnv over shared memory with same-step autoreset; one process per environment.

    A worker that dies, or does not answer for `timeout` seconds, is killed and replaced:

    - The step that notices it truncates the episode: reward 0, `final_obs` is the last observation that was returned,
      `final_info` the last info with `interrupted` True. Its score is that of the steps that were returned.
    - The next episode begins in the same step, on a new track. Its seed depends on the environment's latest seed, its
      index and how often its worker was replaced, so it is the same if the same workers are lost. It is random if the
      latest reset had no seed.
    - The new worker has the rules of the latest `set_rules`. Other calls and attributes that were set are not repeated.
    - A reset or another call is repeated by the new worker; after a call, the next step truncates the episode.

    Each worker is a new process that imports only what `env_fns` need: neither torch nor the program's main module. It
    ignores SIGINT and SIGHUP. `close` kills the workers and waits for none that hangs. An exception of an environment
    is raised and replaces nothing.

    Args:
        env_fns: make the environments.
        timeout: seconds that workers may take to answer a request; a new one may take two minutes.
        max_restarts: workers that are replaced; then the next loss raises WorkerDiedError or WorkerHungError.

    Raises:
        WorkerDiedError, WorkerHungError: a worker was lost at its start, where none is replaced.
    """

    def __init__(
        self,
        env_fns: Sequence[Callable[[], Env]],
        *,
        timeout: float = TIMEOUT,
        max_restarts: int = MAX_RESTARTS,
    ) -> None:
        require_positive("timeout", timeout, LONGEST_TIMEOUT)
        require_integer("max_restarts", max_restarts, 0, None)
        start_resource_tracker()
        env = env_fns[0]()
        observations = SharedObservations(env.observation_space, len(env_fns))
        env.close()
        self._supervisor = Supervisor(observations, self._start, timeout=timeout, max_restarts=max_restarts)
        self._target = partial(environment_worker, observations.memory)
        self.processes = []
        self.parent_pipes = []
        try:
            with ExitStack() as self._starting:
                self._starting.enter_context(starting())
                super().__init__(
                    env_fns,
                    shared_memory=False,  # but that of `observations`
                    context="spawn",
                    worker=self._target,
                    autoreset_mode=AutoresetMode.SAME_STEP,
                )
        except BaseException:
            self.close()
            raise
        self.shared_memory = True
        self.observations = observations.array

    @property
    def restarts(self) -> int:
        """Workers that died or hung and were replaced."""
        return self._supervisor.restarts

    @property
    def last_fault(self) -> str | None:
        """What the latest replaced worker ended by: "worker process 1 was killed by SIGKILL"; None: none was."""
        return self._supervisor.last_fault

    def reset_wait(self, *args: Any, **kwargs: Any) -> Any:
        result = super().reset_wait(*args, **kwargs)
        self._supervisor.observations.remember()
        return result

    def step_wait(self, *args: Any, **kwargs: Any) -> Any:
        result = super().step_wait(*args, **kwargs)
        self._supervisor.observations.remember()
        return result

    def set_rules(self, rules: RulesLike) -> None:
        """Replaces the shaping rules from the next step on; running episodes continue."""
        checked = rules_of(rules)
        self._supervisor.rules = (checked,)
        self.call("set_rules", checked)

    def kill_workers(self) -> None:
        """Kills the workers without waiting, so that a call in another thread ends; then only `close` may follow."""
        self._supervisor.group.stop()

    def close_extras(self, *_: Any, **__: Any) -> None:
        """Kills the workers: they hold nothing to save, and a busy or dead one would not respond."""
        self.kill_workers()
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.join(END_SECONDS)
        for pipe in self.parent_pipes:
            if pipe is not None:
                pipe.close()
        self._state = AsyncState.DEFAULT

    def _check_spaces(self) -> None:
        # The first requests of the constructor, after it has started the processes.
        self._starting.close()
        vector: Any = self  # its pipes and errors have the methods of those that gymnasium declares
        pipes = []
        for index, (process, pipe) in enumerate(zip(self.processes, self.parent_pipes, strict=True)):
            worker = WorkerProcess(process, pipe, self._supervisor.timeout)
            self._supervisor.group.add(worker)
            pipes.append(SupervisedPipe(index, worker, self._supervisor))
        unused = self.error_queue
        vector.parent_pipes, vector.error_queue = pipes, self._supervisor.errors
        super()._check_spaces()  # type: ignore[no-untyped-call]
        del unused  # starting processes need it
        self._supervisor.begin()

    def _start(self, index: int) -> WorkerProcess:
        process, pipe = start_worker(
            f"Worker<{type(self).__name__}>-{index}",
            self._target,
            lambda theirs, ours: (
                *(index, CloudpickleWrapper(self.env_fns[index]), theirs, ours),
                *(None, None, self.autoreset_mode),
            ),
        )
        processes: list[Any] = self.processes
        processes[index] = process
        return WorkerProcess(process, pipe, self._supervisor.timeout)
