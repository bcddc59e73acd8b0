"""The pipe to a worker of a vector environment; a worker that dies or hangs is replaced when its answer is due."""

from __future__ import annotations

from typing import Any

import numpy as np

from apexline.racing.stock.supervisor import Supervisor
from apexline.worker_process import Patience, WorkerLostError, WorkerProcess

INTERRUPTED = "interrupted"
"""Key of the final info of an episode that ended because its worker was lost."""


class SupervisedPipe:
    """The pipe to a worker as AsyncVectorEnv uses it: requests are (command, data), answers (result, is_success).

    In place of a lost worker another is started. The request is repeated, but a step: instead of its result, the
    episode is truncated.

    Args:
        index: of the environment.
        worker: the worker.
        supervisor: shared with the other pipes.
    """

    def __init__(self, index: int, worker: WorkerProcess, supervisor: Supervisor) -> None:
        self.index = index
        self.closed = False
        self._worker = worker
        self._supervisor = supervisor
        self._request: tuple[str, Any] = ("", None)
        self._lost: WorkerLostError | None = None
        """What happened to the worker when the request was sent."""
        self._seed: int | None = None
        """Of the latest seeded reset."""
        self._replacements = 0
        self._info: dict[str, Any] | None = None
        """The latest info of the running episode; None before the first reset."""
        self._next_episode: tuple[Any, dict[str, Any]] | None = None
        """First observation and info of the episode that follows one that was lost, until a step reports it."""

    def send(self, request: tuple[str, Any]) -> None:
        """Send a request. A lost worker is noticed by `recv`."""
        self._request = request
        self._supervisor.patience.renew()
        if self._is_interrupted_step:
            return
        try:
            self._worker.send(request)
        except WorkerLostError as error:
            self._lost = error

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Whether `recv` need not wait for the worker, after `timeout` seconds at most."""
        return self._is_interrupted_step or self._lost is not None or self._worker.pipe.poll(timeout)

    def recv(self) -> tuple[Any, bool]:
        """Wait for the answer.

        Raises:
            WorkerDiedError: the worker is lost, and the limit of replacements is reached.
        """
        lost, self._lost = self._lost, None
        try:
            if lost is None:
                answer = (
                    self._interruption()
                    if self._is_interrupted_step
                    else self._received(self._supervisor.patience)
                )
                return self._result(answer)
        except WorkerLostError as error:
            lost = error
        except _EnvironmentError as error:
            return self._failed(error)
        while True:
            self._worker = self._supervisor.replace(self.index, lost)
            self._replacements += 1
            try:
                return self._result(self._repeated())
            except WorkerLostError as error:
                lost = error
            except _EnvironmentError as error:
                return self._failed(error)

    def close(self) -> None:
        """Kill the worker."""
        self._worker.kill()
        self.closed = True

    @property
    def _is_interrupted_step(self) -> bool:
        return self._request[0] == "step" and self._next_episode is not None

    def _received(self, patience: Patience) -> Any:
        answer, is_success = self._worker.receive(patience)
        if not is_success:
            raise _EnvironmentError(answer)
        return answer

    def _repeated(self) -> Any:
        """The answer of a new worker, which starts with the current rules."""
        patience = self._supervisor.start_patience()

        def answer_to(*request: Any) -> Any:
            self._worker.send(request)
            return self._received(patience)

        if self._supervisor.rules is not None:
            answer_to("_call", ("set_rules", self._supervisor.rules, {}))
        if self._info is not None and self._request[0] != "reset":
            _, info = answer_to("reset", {"seed": self._fresh_seed(), "options": None})
            observations = self._supervisor.observations
            self._next_episode = observations.read(self.index), info
            observations.write(self.index, observations.returned(self.index))
        return self._interruption() if self._is_interrupted_step else answer_to(*self._request)

    def _fresh_seed(self) -> int | None:
        if self._seed is None:
            return None
        sequence = np.random.SeedSequence([self._seed, self.index, self._replacements])
        return int(sequence.generate_state(1)[0])

    def _interruption(self) -> Any:
        """The result of a step that ends the episode of a lost worker and begins the next one."""
        assert self._next_episode is not None
        (observation, info), self._next_episode = self._next_episode, None
        observations = self._supervisor.observations
        observations.write(self.index, observation)
        final = {"final_info": {**(self._info or {}), INTERRUPTED: True}}
        return None, 0.0, False, True, {**final, "final_obs": observations.returned(self.index), **info}

    def _result(self, answer: Any) -> tuple[Any, bool]:
        command, data = self._request
        if command == "reset":
            self._info = answer[1]
            self._next_episode = None
            if data["seed"] is not None:
                self._seed = int(data["seed"])
        elif command == "step":
            *_, terminated, truncated, info = answer
            self._info = (
                {key: value for key, value in info.items() if key not in ("final_info", "final_obs")}
                if terminated or truncated
                else info
            )
        return answer, True

    def _failed(self, error: _EnvironmentError) -> tuple[None, bool]:
        self._supervisor.errors.put(error.args[0])
        return None, False


class _EnvironmentError(Exception):
    """An environment raised an exception; `args` are gymnasium's description of it."""
