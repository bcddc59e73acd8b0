"""The training loop: environments step while the learner updates, at a fixed ratio of updates to steps.

Each iteration runs a step of all environments and the updates that are due concurrently, then waits for both. The step
uses the weights of the end of the previous iteration, and the updates sample from the steps that it had stored. So the
results do not depend on timing: they are those of a sequential loop.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch.profiler import record_function

from apexline.racing import WorkerDiedError
from apexline.training.config.train_config import BudgetConfig, TrainConfig
from apexline.training.config.validation import check, to_dict
from apexline.training.errors import InputError, reason
from apexline.training.evaluation.policy import Policy
from apexline.training.machine.memory_check import check_memory, describe_memory
from apexline.training.machine.profiling import TABLE, TRACE, Profiler
from apexline.training.machine.tuning import tuned
from apexline.training.monitor import Monitor, Status, StatusCallback, best_so_far
from apexline.training.records import checkpoint
from apexline.training.records.curves import CURVE, draw_curve
from apexline.training.records.json_file import write_json
from apexline.training.records.metrics_file import METRICS, whole_rows
from apexline.training.records.paths import regular_file
from apexline.training.records.run_folder import check_files, owned
from apexline.training.session import Session

CONFIG = "config.json"
FILES = (CONFIG, METRICS, CURVE, checkpoint.LATEST, checkpoint.BEST, checkpoint.REPLAY, TABLE, TRACE)
"""The files of a run folder, apart from TensorBoard's."""


def train(
    config: TrainConfig,
    folder: str | os.PathLike[str],
    *,
    resume: bool = False,
    weights: str | os.PathLike[str] | Policy | None = None,
    render: bool = False,
    profile: bool = False,
    on_status: StatusCallback | None = None,
    log: Callable[[str], None] | None = None,
) -> Status:
    """Train until the budget is used up.

    Writes config.json, metrics.csv, TensorBoard files, checkpoint.pt (the latest state, to resume from), best.pt (the
    weights with the best evaluation) and, at the end, replay.bin and curve.png to the folder. Latest state, replay and
    curve are also written if the run ends by an error or Ctrl-C.

    Args:
        config: the configuration; values left open (threads, precision) are measured first.
        folder: the run folder, created if missing; must be empty unless `resume`. Only one training at a time writes
            to it: it is locked until the run ends or its process does.
        resume: continue from the folder's checkpoint.
        weights: start from the networks of this policy, or of this source as in `Policy.load`.
        render: show the first environment in a window.
        profile: profile some steps and write trace.json and profile.txt to the folder.
        on_status: called with the status every `monitor.log_seconds`.
        log: called with each line about the start of the run, such as the memory estimate.

    Returns:
        The final status.

    Raises:
        InputError: the configuration, the folder or a checkpoint cannot be used, or memory is too small; nothing was
            overwritten.
        WorkerDiedError, EvaluationWorkerDiedError: a worker process died; the latest state is saved.
        DivergedError: too many updates, rewards or actions in a row were not finite; the latest checkpoint is of the
            state before.
    """
    folder = Path(folder)
    log = log or (lambda _: None)
    _check_run(config, folder, resume=resume)
    if resume and weights is not None:
        raise InputError(f"weights is {weights}; expected None with resume")
    with owned(folder, resume=resume):
        if weights is not None and not isinstance(weights, Policy):
            weights = Policy.load(weights)
        log(f"preset {config.preset}, {config.num_envs} environments, run folder {folder}")
        log(describe_memory(config))
        return _train(config, folder, weights, log, resume, render, profile, on_status)


def _train(
    config: TrainConfig,
    folder: Path,
    policy: Policy | None,
    log: Callable[[str], None],
    resume: bool,
    render: bool,
    profile: bool,
    on_status: StatusCallback | None,
) -> Status:
    """The run, in a folder that no other training writes to."""
    parts = checkpoint.load(folder / checkpoint.LATEST) if resume else None
    check_files(folder, FILES)
    whole_rows(folder / METRICS)
    best_so_far(folder)
    config = tuned(config, log)
    log(f"torch threads: {config.threads}, precision: {config.agent.precision}")
    session = _built(config, policy, render)
    try:
        if parts is not None:
            _restore(session, parts, folder)
        write_json(folder / CONFIG, to_dict(config))
        monitor = Monitor(session, folder, on_status)
        try:
            return _run(session, monitor, parts, Profiler(folder) if profile else None)
        finally:
            monitor.close()
            try:
                draw_curve(folder)
            except (InputError, OSError) as error:
                log(f"no curve drawn: {reason(error)}")
    finally:
        session.close()


def _check_run(config: TrainConfig, folder: Path, *, resume: bool = False) -> None:
    """Raise InputError if `train` cannot start because of the configuration, the machine or a missing checkpoint."""
    check(config)
    check_memory(config)
    if config.device == "cuda" and not torch.cuda.is_available():
        raise InputError("device is cuda, but torch finds no GPU; expected cpu (preset cpu)")
    if resume and not regular_file(folder / checkpoint.LATEST):
        raise InputError(f"{folder / checkpoint.LATEST}: no such checkpoint")


def _run(
    session: Session, monitor: Monitor, parts: dict[str, Any] | None, profiler: Profiler | None
) -> Status:
    seconds_before = parts["seconds"] if parts is not None else 0.0
    began = time.perf_counter()

    def seconds() -> float:
        return seconds_before + time.perf_counter() - began

    try:
        session.begin_episodes()
        monitor.begin(seconds())
        while not _used_up(session.config.budget, seconds(), session):
            updates = session.take_due_updates()
            with profiler.step(updates) if profiler is not None else nullcontext():
                episodes = session.step(updates)
                with record_function("monitor"):
                    monitor.tick(seconds(), episodes)
    finally:
        if profiler is not None:
            profiler.close()
        session.collector.settle()
        session.learner.flush()
        monitor.save(seconds(), with_replay=True)
    return monitor.finish(seconds())


def _used_up(budget: BudgetConfig, seconds: float, session: Session) -> bool:
    return (
        (budget.minutes is not None and seconds >= budget.minutes * 60)
        or (budget.total_steps is not None and session.collector.steps >= budget.total_steps)
        or (budget.total_frames is not None and session.collector.frames >= budget.total_frames)
        or (budget.total_episodes is not None and session.collector.episodes >= budget.total_episodes)
    )


def _built(config: TrainConfig, policy: Policy | None, render: bool) -> Session:
    weights = None if policy is None else policy.networks.state_dict()
    try:
        return Session(config, weights=weights, render=render)
    except ValueError as error:
        raise InputError(str(error)) from error
    except WorkerDiedError:
        raise
    except RuntimeError as error:
        if policy is None:
            raise
        raise InputError(
            f"{policy.path or policy}: its networks do not fit this configuration: {reason(error)}"
        ) from error


def _restore(session: Session, parts: dict[str, Any], folder: Path) -> None:
    try:
        session.load_state_dict(parts)
        replay = folder / checkpoint.REPLAY
        if parts.get("with_replay") and replay.exists():
            session.load_replay(replay, parts.get("running_episodes"))
    except OSError as error:
        raise InputError(f"{folder}: {reason(error)}") from error
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError(
            f"{folder}: the checkpoint does not fit this configuration: {reason(error)}"
        ) from error
