"""What the workers of a vector environment share: limits, counters, and the errors that end it."""

from __future__ import annotations

import queue
import signal
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from gymnasium import Space
from gymnasium.vector.utils import (
    batch_space,
    create_shared_memory,
    iterate,
    read_from_shared_memory,
    write_to_shared_memory,
)

from apexline import worker_process
from apexline.racing.options import ShapingRules
from apexline.worker_process import (
    CONTEXT,
    Patience,
    WorkerGroup,
    WorkerLostError,
    WorkerProcess,
    describe_exit,
)


class WorkerDiedError(RuntimeError):
    """A worker process died (killed, crashed or out of memory) and was not replaced; its vector environment can only
    be closed."""

    def __init__(self, index: int, exitcode: int, restarts: int = 0, *, how: str | None = None) -> None:
        after = f" after {restarts} restarts of workers" if restarts else ""
        super().__init__(f"worker process {index} {how or describe_exit(exitcode)}{after}")
        self.index = index
        self.exitcode = exitcode
        """As in multiprocessing: negative if a signal ended the process."""


class WorkerHungError(WorkerDiedError):
    """A worker process did not answer in time, was killed and was not replaced."""


class SharedObservations:
    """The observations of all environments in shared memory, and a copy of those that were returned last.

    A worker that dies in the middle of a step may leave a part of an observation in the shared memory.

    Args:
        space: of one environment.
        num_envs: environments.
    """

    def __init__(self, space: Space[Any], num_envs: int) -> None:
        self._space = space
        self._batch: Any = batch_space(space, num_envs)
        self.memory: Any = create_shared_memory(space, n=num_envs, ctx=CONTEXT)  # type: ignore[arg-type]
        self.array: Any = read_from_shared_memory(space, self.memory, n=num_envs)
        """A view of the memory, as AsyncVectorEnv.observations."""
        self._returned: Any = deepcopy(self.array)

    def remember(self) -> None:
        """Copy the observations, which are returned now."""
        self._returned = deepcopy(self.array)

    def returned(self, index: int) -> Any:
        """Copy of the observation of an environment that was returned last."""
        return deepcopy(list(iterate(self._batch, self._returned))[index])

    def read(self, index: int) -> Any:
        """Copy of the observation of an environment in the memory."""
        return deepcopy(list(iterate(self._batch, self.array))[index])

    def write(self, index: int, observation: Any) -> None:
        """Replace the observation of an environment in the memory."""
        write_to_shared_memory(self._space, index, observation, self.memory)


class Supervisor:
    """Limits, counters and state of the workers of a vector environment.

    Args:
        observations: of all environments.
        start: starts the worker of an environment.
        timeout: seconds that workers may take to answer.
        max_restarts: replaced workers, after which the next loss is an error.
    """

    def __init__(
        self,
        observations: SharedObservations,
        start: Callable[[int], WorkerProcess],
        *,
        timeout: float,
        max_restarts: int,
    ) -> None:
        self.observations = observations
        self.timeout = timeout
        self.patience = self.start_patience()
        """For the answers to the latest request, of all workers together."""
        self.errors: queue.SimpleQueue[Any] = queue.SimpleQueue()
        """Errors of environments, as AsyncVectorEnv.error_queue."""
        self.rules: tuple[ShapingRules | None] | None = None
        """Argument of the latest `set_rules`; None: it was not called."""
        self.group = WorkerGroup()
        self.restarts = 0
        self.last_fault: str | None = None
        self.has_begun = False
        """Whether workers are replaced."""
        self._start = start
        self._max_restarts = max_restarts

    def start_patience(self) -> Patience:
        """The time limit of new workers, for one answer or several."""
        return Patience(max(self.timeout, worker_process.START_SECONDS))

    def begin(self) -> None:
        """From now on workers are replaced; they have started, and the time limit is that of running ones."""
        self.has_begun = True
        self.patience = Patience(self.timeout)

    def replace(self, index: int, lost: WorkerLostError) -> WorkerProcess:
        """Start a worker in place of one that is lost.

        Raises:
            WorkerDiedError, WorkerHungError: `lost`, when no worker is started in its place.
        """
        while True:
            self._count(index, lost)
            try:
                worker = self._start(index)
                self.group.add(worker)
            except WorkerLostError as error:
                lost = error
            else:
                return worker

    def _count(self, index: int, lost: WorkerLostError) -> None:
        is_hung = lost.exitcode is None
        exitcode = -signal.SIGKILL if lost.exitcode is None else lost.exitcode
        if not self.has_begun or self.group.is_stopped or self.restarts >= self._max_restarts:
            kind = WorkerHungError if is_hung else WorkerDiedError
            raise kind(index, exitcode, self.restarts, how=str(lost)) from lost
        self.restarts += 1
        self.last_fault = f"worker process {index} {lost}"
