"""Short runs from start to end."""

from __future__ import annotations

import csv
import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from apexline.racing import ShapingRules, WorkerDiedError
from apexline.training import PRESETS, GpuMemoryError, InputError, Policy, TrainConfig, play_parallel, train
from apexline.training import loop as loop_module
from apexline.training.config.train_config import ShapingPhase
from apexline.training.evaluation.selection import best_so_far
from apexline.training.learning.learner import Learner
from apexline.training.monitor import Monitor
from apexline.training.records import checkpoint, weights_file
from apexline.training.session import Session


def short(frames: int = 640, **changes: Any) -> TrainConfig:
    """The cpu preset on two environments, learning after 40 steps, without evaluation."""
    config = PRESETS["cpu"]
    return replace(
        config,
        threads=1,
        agent=replace(config.agent, precision="bf16"),
        num_envs=2,
        replay=replace(config.replay, capacity=2_000),
        learning=replace(config.learning, batch_size=16, learning_starts=40),
        budget=replace(config.budget, minutes=None, total_frames=frames),
        monitor=replace(config.monitor, eval_steps=None),
        **changes,
    )


def networks_of(folder: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = state_of(folder)["agent"]["networks"]
    return weights


def state_of(folder: Path) -> dict[str, Any]:
    return checkpoint.newest(folder, warn=pytest.fail).state


def test_same_seed_same_weights(tmp_path: Path) -> None:
    for name in ("a", "b"):
        train(short(), tmp_path / name)
    train(short(seed=1), tmp_path / "c")
    a, b, c = (networks_of(tmp_path / name) for name in ("a", "b", "c"))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not all(torch.equal(a[name], c[name]) for name in a)


def test_initial_weights_depend_on_the_seed() -> None:
    sessions = [Session(short(seed=seed)) for seed in (0, 0, 1)]
    first, same, other = (session.agent.networks.actor.output.weight for session in sessions)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    for session in sessions:
        session.close()


def test_a_run_writes_its_folder_and_keeps_the_replay_ratio(tmp_path: Path) -> None:
    config = short(frames=1000)
    config = replace(config, monitor=replace(config.monitor, eval_steps=100, eval_episodes=1))
    seen = []
    status = train(config, tmp_path / "run", on_status=seen.append)
    names = {path.name.split(".tfevents")[0] for path in (tmp_path / "run").iterdir()}
    assert names == {
        "config.json",
        "metrics.csv",
        "checkpoints",
        "best.safetensors",
        "curve.png",
        "events.out",
    }
    assert json.loads((tmp_path / "run" / "config.json").read_text())["preset"] == "cpu"
    assert status.frames >= 1000
    learned = status.steps - 40
    assert status.updates == int(learned * config.learning.replay_ratio)
    assert seen[-1] == status
    with (tmp_path / "run" / "metrics.csv").open(newline="") as file:
        scores = [
            float(row["eval/episodic_return"]) for row in csv.DictReader(file) if row["eval/episodic_return"]
        ]
    best = best_so_far(tmp_path / "run")
    assert best == pytest.approx(max(scores), rel=1e-5)

    policy = Policy.load(tmp_path / "run")
    (again,) = play_parallel(policy, [config.monitor.eval_seed])
    assert again.score == pytest.approx(best), "best.safetensors holds the weights that were evaluated"


def test_a_resumed_run_continues(tmp_path: Path) -> None:
    config = short(frames=480)
    first = train(config, tmp_path / "run")
    before = state_of(tmp_path / "run")
    longer = replace(config, budget=replace(config.budget, total_frames=first.frames + 480))
    second = train(longer, tmp_path / "run", resume=True)
    assert second.frames >= first.frames + 480
    assert second.seconds > first.seconds
    relearned = second.steps - first.steps
    assert second.updates == first.updates + int(relearned * config.learning.replay_ratio)
    after = state_of(tmp_path / "run")
    assert after["agent"]["updates"] == second.updates
    steps = [
        checkpoint_["agent"]["critic_optimizer"]["state"][0]["step"].item() for checkpoint_ in (before, after)
    ]
    assert steps == [first.updates, second.updates], "the optimizer's moments were resumed too"


def test_running_episodes_continue_after_a_resume() -> None:
    config = short()
    config = replace(config, learning=replace(config.learning, learning_starts=1_000))
    stopped, resumed = Session(config), Session(config)
    stopped.begin_episodes()
    drive(stopped, 30)
    state = stopped.state_dict()
    assert state["collector"]["running_episodes"]["episode_frames"].min() > 0, "in the middle of its episodes"
    restore(resumed, stopped)
    for session in (stopped, resumed):
        drive(session, 30)
    assert resumed.collector.frames == stopped.collector.frames
    one, other = (session.state_dict()["collector"]["running_episodes"] for session in (stopped, resumed))
    assert torch.equal(one["stacks"], other["stacks"])
    replays = [session.replay for session in (stopped, resumed)]
    batches = [replay.sample(64) for replay in replays]
    assert all(np.array_equal(a, b) for a, b in zip(batches[0][:7], batches[1][:7], strict=True))
    for session in (stopped, resumed):
        session.close()


def restore(session: Session, from_: Session) -> None:
    session.replay.load_state_dict(from_.replay.state_dict())
    session.load_state_dict(from_.state_dict())
    session.begin_episodes()


def drive(session: Session, steps: int) -> None:
    for _ in range(steps):
        session.step(updates=0)


def shaped_after(steps: int | None, **changes: Any) -> TrainConfig:
    """Random actions, first without shaping; after `steps` steps, a penalty of 50 for steps without a new tile."""
    phases = () if steps is None else (ShapingPhase(steps, ShapingRules(idle_penalty=50.0)),)
    config = short(shaping=(ShapingPhase(), *phases), **changes)
    return replace(config, learning=replace(config.learning, learning_starts=1_000))


@pytest.mark.parametrize("backend", ["native", "gymnasium"])
def test_shaping_rules_change_in_the_middle_of_episodes(backend: Literal["native", "gymnasium"]) -> None:
    """Penalties do not change trajectories: the same frames are stored, with other rewards from there on."""
    options: dict[str, Any] = {"backend": backend, "worker_processes": False}
    unshaped, shaped = Session(shaped_after(None, **options)), Session(shaped_after(60, **options))
    envs = shaped.collector.envs
    for session in (unshaped, shaped):
        session.begin_episodes()
        drive(session, 50)
    assert shaped.collector.envs is envs
    free, penalized = (session.replay.sample(500) for session in (unshaped, shaped))
    assert np.array_equal(free.obs, penalized.obs)
    assert len(unshaped.replay) == len(shaped.replay)
    assert shaped.collector.frames == unshaped.collector.frames
    before, after = (
        np.stack([ring["rewards"][:50] for ring in session.replay.state_dict()["slots"]])
        for session in (unshaped, shaped)
    )
    idle = before < 0
    assert idle[:, 30:].any()
    assert not idle[:, 30:].all()
    idle[:, :30] = False  # 60 steps of two environments
    np.testing.assert_allclose(before - after, 5.0 * idle, rtol=1e-5)
    for session in (unshaped, shaped):
        session.close()


@pytest.mark.parametrize("stopped_at", [29, 30, 31])
def test_a_run_stopped_near_the_change_of_rules_continues_unchanged(stopped_at: int) -> None:
    config = shaped_after(60)
    stopped, resumed = Session(config), Session(config)
    stopped.begin_episodes()
    drive(stopped, stopped_at)
    restore(resumed, stopped)
    for session in (stopped, resumed):
        drive(session, 20)
    batches = [session.replay.sample(64) for session in (stopped, resumed)]
    assert all(np.array_equal(a, b) for a, b in zip(batches[0][:7], batches[1][:7], strict=True))
    for session in (stopped, resumed):
        session.close()


def test_a_checkpoint_of_another_configuration_is_refused_by_name(tmp_path: Path) -> None:
    config = short(frames=160)
    train(config, tmp_path / "run")
    other = replace(config, replay=replace(config.replay, capacity=1_000))
    with pytest.raises(
        InputError, match=r"step-0.*: the checkpoint does not fit.*capacity is 2000; expected 1000"
    ):
        train(replace(other, budget=replace(config.budget, total_frames=320)), tmp_path / "run", resume=True)


def test_a_resumed_run_keeps_better_weights(tmp_path: Path) -> None:
    config = short(frames=160)
    train(config, tmp_path / "run")
    policy = Policy.load(tmp_path / "run")
    best = tmp_path / "run" / weights_file.BEST
    weights_file.save(best, policy.networks.state_dict(), config, 1, eval={"mean": 999.0})
    content = best.read_bytes()
    evaluated = replace(
        config,
        budget=replace(config.budget, total_frames=320),
        monitor=replace(config.monitor, eval_steps=1000, eval_episodes=1),
    )
    status = train(evaluated, tmp_path / "run", resume=True)
    assert status.eval_score < 999
    assert best.read_bytes() == content


def test_a_run_can_start_from_the_weights_of_another(tmp_path: Path) -> None:
    config = short(frames=480)
    train(config, tmp_path / "first")
    nothing_learned = replace(config, learning=replace(config.learning, learning_starts=10_000))
    status = train(nothing_learned, tmp_path / "second", weights=tmp_path / "first")
    assert status.updates == 0
    first, second = networks_of(tmp_path / "first"), networks_of(tmp_path / "second")
    online = [name for name in first if not name.startswith(("targets.", "average."))]
    assert online
    assert all(torch.equal(first[name], second[name]) for name in online)


def test_weights_of_other_networks_are_refused(tmp_path: Path) -> None:
    config = short(frames=160)
    train(config, tmp_path / "first")
    wider = replace(config, agent=replace(config.agent, hidden=(128, 128)))
    with pytest.raises(InputError, match=r"first.*: its networks do not fit"):
        train(wider, tmp_path / "second", weights=tmp_path / "first")
    assert not (tmp_path / "second").exists()


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        train(short(), tmp_path)
    assert (tmp_path / "metrics.csv").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_dead_worker_ends_the_run_with_a_saved_checkpoint(tmp_path: Path) -> None:
    config = short(frames=100_000, backend="gymnasium", max_worker_restarts=0)
    killed = []

    class KillOne(Monitor):
        def tick(self, *arguments: Any) -> None:
            super().tick(*arguments)
            if self.session.collector.steps == 60:
                process = self.session.collector.envs.processes[1]  # type: ignore[attr-defined]
                os.kill(process.pid, signal.SIGKILL)
                killed.append(process)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop_module, "Monitor", KillOne)
        with pytest.raises(WorkerDiedError, match="worker process 1 was killed by SIGKILL"):
            train(config, tmp_path / "run")
    assert killed
    assert state_of(tmp_path / "run")["steps"] >= 60


def test_the_budget_can_be_a_number_of_steps(tmp_path: Path) -> None:
    config = short()
    config = replace(config, budget=replace(config.budget, total_frames=None, total_steps=50))
    assert train(config, tmp_path / "run").steps == 50


def test_the_budget_can_be_a_number_of_episodes(tmp_path: Path) -> None:
    config = short()
    config = replace(config, budget=replace(config.budget, total_frames=None, total_episodes=2))
    status = train(config, tmp_path / "run")
    assert 2 <= status.episodes <= 3
    with (tmp_path / "run" / "metrics.csv").open(newline="") as file:
        scores = [
            float(row["charts/episodic_return"])
            for row in csv.DictReader(file)
            if row["charts/episodic_return"]
        ]
    assert scores[-1] == pytest.approx(status.score, rel=1e-5)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_reported_before_the_folder_is_created(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no GPU"):
        train(PRESETS["cuda"], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_full_gpu_ends_the_run_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Learner) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has ...")

    monkeypatch.setattr(Learner, "update", full)
    with pytest.raises(GpuMemoryError, match=r"^CUDA out of memory. Tried to allocate 2.00 GiB. The largest"):
        train(short(), tmp_path / "run")
    assert checkpoint.exists(tmp_path / "run")


def test_the_notebook_preset_trains(tmp_path: Path) -> None:
    config = PRESETS["notebook"]
    config = replace(
        config,
        threads=2,
        learning=replace(config.learning, batch_size=4, learning_starts=6),
        replay=replace(config.replay, capacity=100),
        budget=replace(config.budget, total_episodes=None, total_frames=8),
        monitor=replace(config.monitor, eval_steps=None),
    )
    status = train(config, tmp_path / "run")
    assert status.updates == 2
