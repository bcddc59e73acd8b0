"""The training loop: environments step while the learner updates, at a fixed ratio of updates to steps.

Each iteration runs a step of all environments and the updates that are due concurrently, then waits for both. The step
uses the weights of the end of the previous iteration, and the updates sample from the steps that it had stored. So the
results do not depend on timing: they are those of a sequential loop.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch.profiler import record_function

from apexline.racing import WorkerDiedError
from apexline.training.config.train_config import BudgetConfig, TrainConfig
from apexline.training.config.validation import check, to_dict
from apexline.training.errors import GpuMemoryError, InputError, reason
from apexline.training.evaluation.policy import Policy
from apexline.training.evaluation.selection import best_so_far
from apexline.training.machine.memory_check import check_memory, describe_memory, explain_out_of_memory
from apexline.training.machine.profiling import TABLE, TRACE, Profiler
from apexline.training.machine.tuning import tuned
from apexline.training.monitor import EMPTY_STATE, Monitor, Status, StatusCallback
from apexline.training.records import checkpoint, weights_file
from apexline.training.records.curves import CURVE, draw_curve
from apexline.training.records.json_file import write_json
from apexline.training.records.metrics_file import METRICS, whole_rows
from apexline.training.records.run_folder import check_files, owned
from apexline.training.records.store.kinds import require_like
from apexline.training.saving import CheckpointSaver
from apexline.training.session import Session
from apexline.training.stop import stop_signals

CONFIG = "config.json"
FILES = (CONFIG, METRICS, CURVE, weights_file.BEST, TABLE, TRACE)
"""The files of a run folder, apart from TensorBoard's and the checkpoints."""

Log = Callable[[str], None]


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

    Writes config.json, metrics.csv, TensorBoard files, checkpoints (the complete state, to resume from),
    best.safetensors (the weights with the best evaluation) and curve.png to the folder. A checkpoint is written at the
    start, every `monitor.checkpoint_seconds` and at the end. Training continues during a save.

    In the main thread, SIGINT (Ctrl-C), SIGTERM and SIGHUP end the run after the current step with a checkpoint; see
    `stop_signals`.

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
        DivergedError: too many updates or rewards in a row were not finite; the last checkpoint is of a state before.
        WorkerDiedError: worker processes died too often; the latest state is saved.
        GpuMemoryError: the memory of the GPU is used up; earlier checkpoints are whole.
        SaveError: the last state could not be saved.
        KeyboardInterrupt, SystemExit: a signal ended the run; the latest state is saved.
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
        try:
            return _train(config, folder, weights, log, resume, render, profile, on_status)
        except torch.OutOfMemoryError as error:
            raise GpuMemoryError(explain_out_of_memory(config, error)) from error


def _train(
    config: TrainConfig,
    folder: Path,
    policy: Policy | None,
    log: Log,
    resume: bool,
    render: bool,
    profile: bool,
    on_status: StatusCallback | None,
) -> Status:
    """The run, in a folder that no other training writes to."""
    saved = checkpoint.newest(folder, warn=log) if resume else None
    check_files(folder, FILES)
    whole_rows(folder / METRICS)
    best_so_far(folder)
    config = tuned(config, log)
    log(f"torch threads: {config.threads}, precision: {config.agent.precision}")
    with ExitStack() as stack:
        stack.enter_context(_determinism(config))
        session = stack.enter_context(closing(_built(config, policy, render)))
        keep = config.monitor.keep_checkpoints
        saver = stack.enter_context(closing(CheckpointSaver(folder, session.replay, keep, log)))
        if saved is not None:
            _restore(session, saver, saved)
        session.begin_episodes()
        if saved is None:  # before any other file: a folder without a checkpoint counts as a new one
            saver.save_last(session.state_dict() | {"seconds": 0.0, "monitor": None})
        write_json(folder / CONFIG, to_dict(config))
        try:
            return _run(session, saver, saved, folder, log, on_status, profile)
        finally:
            try:
                draw_curve(folder)
            except (InputError, OSError) as error:
                log(f"no curve drawn: {reason(error)}")


def _check_run(config: TrainConfig, folder: Path, *, resume: bool = False) -> None:
    """Raise InputError if `train` cannot start because of the configuration, the machine or a missing checkpoint."""
    check(config)
    check_memory(config)
    if config.device == "cuda" and not torch.cuda.is_available():
        raise InputError("device is cuda, but torch finds no GPU; expected cpu (preset cpu)")
    if resume and not checkpoint.exists(folder):
        raise InputError(f"{folder}: contains no checkpoint")


def _run(
    session: Session,
    saver: CheckpointSaver,
    saved: checkpoint.Checkpoint | None,
    folder: Path,
    log: Log,
    on_status: StatusCallback | None,
    profile: bool,
) -> Status:
    """The steps of the run, from its start or from a checkpoint, until the budget is used up or a signal stops it."""
    seconds_before = 0.0 if saved is None else saved.state["seconds"]
    began = time.perf_counter()

    def seconds() -> float:
        return seconds_before + time.perf_counter() - began

    def save(with_: Callable[[Mapping[str, Any]], None]) -> None:
        if session.learner.is_healthy:
            with_(session.state_dict() | {"seconds": seconds(), "monitor": monitor.state_dict()})
        else:
            log(
                "no checkpoint saved: the latest updates were skipped; the one before is of the state before them"
            )

    with ExitStack() as stack:
        stop = stack.enter_context(stop_signals())
        with _refused_by_name(saved):
            monitor = Monitor(
                session,
                folder,
                saver,
                on_status=on_status,
                warn=log,
                stopped=lambda: stop.signal is not None,
                state=None if saved is None else saved.state["monitor"],
            )
        stack.enter_context(closing(monitor))
        profiler = stack.enter_context(closing(Profiler(folder, log))) if profile else None
        monitor.begin(seconds())
        next_save = seconds() + session.config.monitor.checkpoint_seconds
        try:
            while stop.signal is None and not _used_up(session.config.budget, seconds(), session):
                updates = session.take_due_updates()
                with profiler.step(updates) if profiler is not None else nullcontext():
                    episodes = session.step(updates)
                    with record_function("monitor"):
                        monitor.tick(seconds(), episodes)
                if seconds() >= next_save and not saver.is_saving:
                    save(saver.save)
                    next_save = seconds() + session.config.monitor.checkpoint_seconds
            if stop.signal is None:
                save(saver.save)  # the final evaluation takes a while
                status = monitor.finish(seconds())
        except WorkerDiedError:
            save(saver.save_last)
            raise
        save(saver.save_last)
        if stop.signal is not None:
            raise stop.error()
        return status


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


def _restore(session: Session, saver: CheckpointSaver, saved: checkpoint.Checkpoint) -> None:
    with _refused_by_name(saved):
        monitor = None if saved.state.get("monitor") is None else EMPTY_STATE  # None in the first checkpoint
        require_like(saved.state, session.state_dict() | {"seconds": 0.0, "monitor": monitor})
        saver.load_replay(saved)
        session.load_state_dict(saved.state)


@contextmanager
def _refused_by_name(saved: checkpoint.Checkpoint | None) -> Iterator[None]:
    """Raises InputError, which names the checkpoint, for what a state of another configuration makes others raise."""
    try:
        yield
    except (InputError, WorkerDiedError):
        raise
    except OSError as error:
        if saved is None:
            raise
        raise InputError(f"{saved.path}: {reason(error)}") from error
    except (AttributeError, LookupError, OverflowError, RuntimeError, TypeError, ValueError) as error:
        if saved is None:
            raise
        raise InputError(
            f"{saved.path}: the checkpoint does not fit this configuration: {reason(error)}"
        ) from error


@contextmanager
def _determinism(config: TrainConfig) -> Iterator[None]:
    """Deterministic algorithms of torch on a GPU; one torch thread on a CPU needs no others."""
    if not (config.deterministic and config.device == "cuda"):
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it at its first use
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
