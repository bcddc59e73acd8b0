"""Environments in worker processes; the death of a worker raises WorkerDiedError instead of blocking."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import connection
from types import ModuleType
from typing import Any

from gymnasium.vector import AsyncVectorEnv, AutoresetMode
from gymnasium.vector.async_vector_env import AsyncState

from apexline.racing.options import RulesLike, rules_of
from apexline.racing.types import Env

EXIT_WAIT = 5.0
"""Seconds to wait until a process whose pipe broke is reported as ended; usually it takes milliseconds."""


class WorkerDiedError(RuntimeError):
    """A worker process died (killed, crashed or out of memory); its vector environment can only be closed."""

    def __init__(self, index: int, exitcode: int) -> None:
        how = f"exited with code {exitcode}" if exitcode >= 0 else f"was killed by {_signal_name(-exitcode)}"
        super().__init__(f"worker process {index} {how}")
        self.index = index
        self.exitcode = exitcode
        """As in multiprocessing: negative if a signal ended the process."""


class RacingWorkers(AsyncVectorEnv):
    """gymnasium's AsyncVectorEnv over shared memory with same-step autoreset; one process per environment.

    Construction, `reset`, `step` and `set_rules` raise WorkerDiedError if a worker has died; `close` never waits for
    one. Workers are forked from a server process, which is safe with threads in this one, and import only what
    `env_fns` need: neither torch nor the program's main module.
    """

    def __init__(self, env_fns: Sequence[Callable[[], Env]]) -> None:
        with self._worker_errors(), _main_module_hidden():
            super().__init__(env_fns, context="forkserver", autoreset_mode=AutoresetMode.SAME_STEP)

    def reset_async(self, *args: Any, **kwargs: Any) -> None:
        with self._worker_errors():
            super().reset_async(*args, **kwargs)

    def reset_wait(self, *args: Any, **kwargs: Any) -> Any:
        with self._worker_errors():
            return super().reset_wait(*args, **kwargs)

    def step_async(self, actions: Any) -> None:
        with self._worker_errors():
            super().step_async(actions)

    def step_wait(self, *args: Any, **kwargs: Any) -> Any:
        with self._worker_errors():
            return super().step_wait(*args, **kwargs)

    def set_rules(self, rules: RulesLike) -> None:
        """Replaces the shaping rules from the next step on; running episodes continue."""
        with self._worker_errors():
            self.call("set_rules", rules_of(rules))

    def close_extras(self, *_: Any, **__: Any) -> None:
        """Kills the workers: they hold nothing to save, and a busy or dead one would not respond."""
        for process in self.processes:
            process.kill()
        self._state = AsyncState.DEFAULT
        super().close_extras(terminate=True)

    @contextmanager
    def _worker_errors(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, ConnectionError) as error:
            connection.wait([process.sentinel for process in self.processes], EXIT_WAIT)
            for index, process in enumerate(self.processes):
                if process.exitcode is not None:
                    raise WorkerDiedError(index, process.exitcode) from error
            raise


@contextmanager
def _main_module_hidden() -> Iterator[None]:
    """Prevents new processes from importing the program's main module."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
