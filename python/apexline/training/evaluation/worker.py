"""The process that plays the episodes of an evaluation."""

from __future__ import annotations

import multiprocessing
import os
import threading
import traceback
from collections.abc import Sequence
from multiprocessing import connection
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import torch

from apexline.racing import Backend
from apexline.training.config.validation import from_dict
from apexline.training.evaluation.play import play, play_parallel
from apexline.training.evaluation.policy import Policy, build_networks
from apexline.training.evaluation.report import EpisodeResult
from apexline.worker_process import ignore_terminal_signals

Arrays = dict[str, np.ndarray[Any, Any]]
Request = tuple[Arrays | None, Sequence[int]]
"""Weights, None for those of the request before, and the seeds to play."""
Answer = list[EpisodeResult] | Exception | None
"""None: the process is ready."""


def evaluation_worker(pipe: Connection, config_values: dict[str, Any], backend: Backend) -> None:
    """Answer requests until the other end of the pipe is closed."""
    ignore_terminal_signals()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        torch.set_num_threads(1)
        config = from_dict(config_values)
        policy = Policy(build_networks(config), config)
        _answer(pipe, None)
        while True:
            weights, seeds = pipe.recv()
            if weights is not None:
                policy.networks.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()})
            _answer(pipe, _play(policy, backend, seeds))
    except (EOFError, ConnectionError):  # the parent has ended or closed the evaluator
        return
    except Exception as error:
        error.add_note(f"in an evaluation worker:\n{traceback.format_exc()}")
        _answer(pipe, error)


def _play(policy: Policy, backend: Backend, seeds: Sequence[int]) -> list[EpisodeResult]:
    if backend == "native":
        return play_parallel(policy, seeds)
    return [play(policy, seed, backend=backend) for seed in seeds]


def _answer(pipe: Connection, answer: Answer) -> None:
    try:
        pipe.send(answer)
    except (AttributeError, TypeError) as error:  # an exception that cannot be pickled
        pipe.send(RuntimeError(f"{answer!r} ({error})"))


def _end_with_parent() -> None:
    """Exit when the parent is killed, also in the middle of an episode."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)
