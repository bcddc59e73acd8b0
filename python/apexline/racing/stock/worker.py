"""The process of an environment: gymnasium's worker, without a lock that it shares with other processes."""

from __future__ import annotations

import inspect
import os
from multiprocessing.connection import Connection
from typing import Any

from gymnasium.vector.async_vector_env import _async_worker

from apexline.worker_process import ignore_terminal_signals


def environment_worker(
    observations: Any,
    index: int,
    env_fn: Any,
    pipe: Connection,
    parent_pipe: Connection,
    _shared_memory: Any,
    _error_queue: Any,
    autoreset_mode: Any,
    *_further: Any,
) -> None:
    """Answer the requests of an AsyncVectorEnv.

    Args:
        observations: shared memory that the observations are written to.
        index: of the environment.
        env_fn: makes the environment.
        pipe: of requests and answers.
        parent_pipe: its other end, which is closed here.
        autoreset_mode: of the vector environment.
    """
    ignore_terminal_signals()
    arguments: tuple[Any, ...] = (
        index,
        env_fn,
        pipe,
        parent_pipe,
        observations,
        _ErrorPipe(pipe),
        autoreset_mode,
    )
    further = len(inspect.signature(_async_worker).parameters) - len(arguments)
    _async_worker(*arguments, *[None] * further)  # gymnasium 1.4 has another one, an optional semaphore


class _ErrorPipe:
    """Sends an error of the environment over its pipe, as an answer.

    gymnasium's queue of errors has a lock, which a killed process does not release.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def put(self, error: tuple[int, type[BaseException], Any, str]) -> None:
        index, kind, message, trace = error
        try:
            self._pipe.send((error, False))
        except OSError:  # the parent has ended
            os._exit(0)
        except Exception:  # the type or the message cannot be pickled
            self._pipe.send(((index, RuntimeError, f"{kind.__name__}: {message}", trace), False))
