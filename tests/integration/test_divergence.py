"""Runs whose values become infinite or NaN: one line that names the cause, and a checkpoint from before it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from apexline.agent import LinearSchedule
from apexline.agent.config import PrecisionName
from apexline.cli import main
from apexline.training import PRESETS, DivergedError, TrainConfig, train
from apexline.training.acting.environment_step import EnvironmentStep, step_environments
from apexline.training.records import checkpoint
from apexline.training.session import Session

from .runs import Capture, error_line


def short(
    rate: LinearSchedule | None = None, precision: PrecisionName = "fp32", replay_ratio: float = 2.0
) -> TrainConfig:
    """The cpu preset with two environments and 400 steps."""
    config = PRESETS["cpu"]
    rates = {} if rate is None else {"critic_lr": rate, "actor_lr": rate}
    return replace(
        config,
        threads=1,
        num_envs=2,
        seed=1,
        agent=replace(config.agent, precision=precision, **rates),
        replay=replace(config.replay, capacity=2000),
        learning=replace(
            config.learning,
            batch_size=16,
            learning_starts=40,
            replay_ratio=replay_ratio,
            max_skipped_updates=10,
        ),
        budget=replace(config.budget, minutes=None, total_steps=400),
        monitor=replace(config.monitor, eval_steps=None),
    )


def diverged(config: TrainConfig, folder: Path) -> str:
    with pytest.raises(DivergedError) as caught:
        train(config, folder)
    return str(caught.value)


def networks(folder: Path) -> dict[str, torch.Tensor]:
    """Networks of the newest checkpoint, which must be whole."""

    def warn(message: str) -> None:
        raise AssertionError(message)

    found: dict[str, torch.Tensor] = checkpoint.newest(folder, warn=warn).state["agent"]["networks"]
    return found


def assert_continues(folder: Path, config: TrainConfig) -> None:
    """The newest checkpoint is finite, and the run continues from it."""
    assert all(value.isfinite().all() for value in networks(folder).values())
    steps = checkpoint.newest(folder, warn=print).steps
    budget = replace(config.budget, total_steps=steps + 100)
    status = train(replace(config, budget=budget), folder, resume=True)
    assert status.steps >= steps + 100


@pytest.mark.parametrize(("rate", "precision"), [(1e4, "fp32"), (1e9, "bf16")])
def test_a_learning_rate_that_is_too_large(rate: float, precision: PrecisionName, tmp_path: Path) -> None:
    message = diverged(short(LinearSchedule(rate), precision), tmp_path / "run")
    assert message.startswith("updates ")
    assert "losses/" in message
    assert f"try a lower agent.critic_lr (now {rate:g}) or agent.actor_lr (now {rate:g})" in message
    assert_continues(tmp_path / "run", short())


def test_the_command_prints_one_line_with_the_names_of_options(tmp_path: Path, capsys: Capture) -> None:
    run = tmp_path / "run"
    options = "--preset cpu --seed 1 --threads 1 --num-envs 2 --agent.precision fp32 --replay.capacity 2000"
    options += (
        " --agent.critic-lr 1e4 --agent.actor-lr 1e4 --learning.batch-size 16 --learning.learning-starts 40"
    )
    options += " --learning.replay-ratio 2 --learning.max-skipped-updates 10 --monitor.eval-steps None"
    options += " --budget.minutes None --budget.total-steps 400"
    assert main(["train", *options.split(), "--out", str(run)]) == 1
    line = error_line(capsys)
    assert line.startswith("apexline: updates ")
    assert (
        "try a lower --agent.critic-lr (now 10000) or --agent.actor-lr (now 10000), or a smaller --learning.rew"
        in line
    )
    assert line.endswith(f"; the state of step 0 is saved: --resume {run}")
    resumed = "--agent.critic-lr 3e-4 --agent.actor-lr 3e-4 --budget.total-steps 60"
    assert main(["train", "--resume", str(run), *resumed.split()]) == 0
    assert main(["eval", str(run), "--backend", "native", "--episodes", "1"]) == 0


@pytest.mark.parametrize("value", ["1e300", "nan", "inf", "-inf"])
@pytest.mark.parametrize(
    "option", ["agent.critic-lr", "agent.actor-lr", "learning.reward-scale", "agent.tau"]
)
def test_a_value_that_no_run_can_use_is_refused(
    option: str, value: str, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["train", "--preset", "cpu", f"--{option}={value}", "--out", str(tmp_path / "run")]) == 2
    assert f"--{option}" in error_line(capsys)
    assert not (tmp_path / "run").exists()


def test_a_weight_that_becomes_nan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two updates, as by a fault of the machine's memory."""
    step = Session.step
    before: dict[str, torch.Tensor] = {}

    def poisoned(session: Session, updates: int) -> Any:
        if session.learner.updates >= 100 and not before:
            before.update(
                {name: value.clone() for name, value in session.agent.networks.state_dict().items()}
            )
            session.agent.networks.critic.trunk[0].weight.data[3, 5] = torch.nan  # type: ignore[index, union-attr]
        return step(session, updates)

    monkeypatch.setattr(Session, "step", poisoned)
    config = short()
    saved_often = replace(config, monitor=replace(config.monitor, checkpoint_seconds=1e-9))
    message = diverged(saved_often, tmp_path / "run")
    assert message.startswith("updates 101 to 111 were skipped: the weight critic.trunk.0.weight is nan, ")
    assert message.endswith("try a policy or checkpoint with finite weights")
    assert before
    assert checkpoint.newest(tmp_path / "run", warn=print).steps > 40, "not that of the start"
    monkeypatch.undo()
    assert_continues(tmp_path / "run", config)


def with_rewards(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[int, np.ndarray[Any, Any]], None]
) -> None:
    """Rewards are changed in place by `change(steps before, rewards)`."""
    steps = 0

    def changed(*arguments: Any) -> EnvironmentStep:
        nonlocal steps
        step = step_environments(*arguments)
        rewards = np.array(step.rewards, np.float64)
        change(steps, rewards)
        steps += 1
        return step._replace(rewards=rewards)

    monkeypatch.setattr("apexline.training.acting.collector.step_environments", changed)


def test_some_infinite_rewards_do_not_end_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def sometimes(step: int, rewards: np.ndarray[Any, Any]) -> None:
        if step % 10 == 3:
            rewards[step % 2] = np.inf

    with_rewards(monkeypatch, sometimes)
    status = train(short(replay_ratio=0.25), tmp_path / "run")
    assert status.steps == 400
    with (tmp_path / "run" / "metrics.csv").open(newline="") as file:
        *_, last = csv.DictReader(file)
    assert int(float(last["faults/dropped_steps"])) == 20
    assert int(float(last["faults/skipped_updates"])) == 0
    assert all(np.isfinite(float(last[name])) for name in last if name.startswith("losses/"))


def test_infinite_rewards_of_one_environment_end_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def always(step: int, rewards: np.ndarray[Any, Any]) -> None:
        if step >= 30:
            rewards[1] = -np.inf

    with_rewards(monkeypatch, always)
    message = diverged(short(replay_ratio=0.25), tmp_path / "run")
    assert message.startswith(
        "rewards of environment 1 were not finite 100 times in a row, the last one is -inf; try "
    )
    monkeypatch.undo()
    assert_continues(tmp_path / "run", short())
