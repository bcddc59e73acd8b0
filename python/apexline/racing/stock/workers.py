"""Games in worker processes whose death is an error with a name, never a hang."""

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

from apexline.racing.options import ShapingRules
from apexline.racing.types import Env

EXIT_WAIT = 5.0
"""Seconds for a process whose pipe is broken to be reported as ended; usually milliseconds."""


class WorkerDiedError(RuntimeError):
    """A worker process ended by itself; the vector it belonged to can only be closed."""

    def __init__(self, index: int, exitcode: int) -> None:
        how = f"exited with code {exitcode}" if exitcode >= 0 else f"was killed by {_signal_name(-exitcode)}"
        super().__init__(f"worker process {index} {how}")
        self.index = index
        self.exitcode = exitcode
        """As in multiprocessing: negative where a signal ended the process."""


class RacingWorkers(AsyncVectorEnv):
    """gymnasium's AsyncVectorEnv over shared memory, reset in the same step, one process an environment.

    Construction, `reset` and `step` raise WorkerDiedError where a worker has died; `close` never waits for one.
    Workers are forked from a clean server process, which is safe with threads in this one, and import what
    `env_fns` need and nothing else: neither torch nor the program's main module.
    """

    def __init__(self, env_fns: Sequence[Callable[[], Env]]) -> None:
        with self._deaths_named(), _main_module_hidden():
            super().__init__(env_fns, context="forkserver", autoreset_mode=AutoresetMode.SAME_STEP)

    def reset_async(self, *args: Any, **kwargs: Any) -> None:
        with self._deaths_named():
            super().reset_async(*args, **kwargs)

    def reset_wait(self, *args: Any, **kwargs: Any) -> Any:
        with self._deaths_named():
            return super().reset_wait(*args, **kwargs)

    def step_async(self, actions: Any) -> None:
        with self._deaths_named():
            super().step_async(actions)

    def step_wait(self, *args: Any, **kwargs: Any) -> Any:
        with self._deaths_named():
            return super().step_wait(*args, **kwargs)

    def set_rules(self, rules: ShapingRules | None) -> None:
        """Replaces the shaping rules from the next step on; running episodes continue."""
        with self._deaths_named():
            self.call("set_rules", rules)

    def close_extras(self, *_: Any, **__: Any) -> None:
        """Kills the workers: they hold nothing worth saving, and a busy or dead one would not answer."""
        for process in self.processes:
            process.kill()
        self._state = AsyncState.DEFAULT
        super().close_extras(terminate=True)

    @contextmanager
    def _deaths_named(self) -> Iterator[None]:
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
    """Keeps new processes from importing the program's main module again, with all that it imports."""
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
