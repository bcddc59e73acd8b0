"""Memory estimates against real replays, agents and batches."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from apexline.agent import DDPG
from apexline.replay import PrioritizedFrameReplay, TensorBatch
from apexline.replay.device import BATCHES_HELD
from apexline.training import PRESETS, InputError, TrainConfig, train
from apexline.training.config.train_config import BudgetConfig
from apexline.training.machine import memory_check
from apexline.training.machine.memory_check import check_memory, describe_memory, explain_out_of_memory
from apexline.training.machine.memory_estimate import (
    EVALUATION,
    GIB,
    RUNTIME,
    gpu_bytes,
    ram_bytes,
    replay_bytes,
)


def config_of(name: str = "cpu", *, capacity: int = 2_000, **changes: Any) -> TrainConfig:
    config = PRESETS[name]
    return replace(config, replay=replace(config.replay, capacity=capacity), **changes)


def with_free(monkeypatch: pytest.MonkeyPatch, ram: int, loaded: int = 0) -> None:
    monkeypatch.setattr(memory_check, "free_ram", lambda: ram)
    monkeypatch.setattr(memory_check, "resident", lambda: loaded)


def with_gpu(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(memory_check, "free_gpu", lambda: free)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize(("capacity", "num_envs"), [(300, 1), (1_003, 5), (4_096, 8), (521, 8)])
def test_the_estimate_of_a_full_replay_is_exact(name: str, capacity: int, num_envs: int) -> None:
    config = config_of(name, capacity=capacity, num_envs=num_envs)
    frame, action = config.game.frame_shape, config.game.action_bounds[0].shape
    replay = PrioritizedFrameReplay(
        num_envs=num_envs, frame_shape=frame, action_shape=action, **config.replay.arguments()
    )
    no = np.zeros(num_envs, bool)
    for _ in range(capacity // num_envs + 3):
        replay.add(np.zeros((num_envs, *frame), np.uint8), np.zeros((num_envs, *action)), no * 1.0, no, no)
    assert replay_bytes(config) == replay.nbytes


@pytest.mark.parametrize("name", PRESETS)
def test_the_estimate_of_networks_gradients_and_moments_is_exact(name: str) -> None:
    config = replace(config_of(name), device="cpu", learning=replace(PRESETS[name].learning, batch_size=2))
    shape = (config.replay.frame_stack, *config.game.frame_shape)
    torch.set_num_threads(1)
    agent = DDPG(config.agent, shape, *config.game.action_bounds)
    images = torch.zeros(2, *shape, dtype=torch.uint8)
    agent.update(
        TensorBatch(
            obs=images,
            next_obs=images,
            action=torch.zeros(2, len(config.game.action_bounds[0])),
            reward=torch.zeros(2),
            discount=torch.ones(2),
            weights=torch.ones(2),
            indices=torch.arange(2),
            extras={},
        )
    )
    tensors = [*agent.networks.parameters(), *agent.networks.buffers()]
    tensors += [parameter.grad for parameter in agent.networks.parameters() if parameter.grad is not None]
    for optimizer in (agent.actor_optimizer, agent.critic_optimizer):
        for state in optimizer.state.values():
            tensors += [state["exp_avg"], state["exp_avg_sq"]]
    assert ram_bytes(config)["networks"] == sum(tensor.nbytes for tensor in tensors)


@pytest.mark.parametrize("name", PRESETS)
def test_the_estimate_of_batches_is_exact(name: str) -> None:
    config = replace(config_of(name), device="cpu")
    replay = PrioritizedFrameReplay(
        num_envs=1, frame_shape=config.game.frame_shape, action_shape=(2 if config.game.pedal else 3,),
        **config.replay.arguments(),
    )  # fmt: skip
    batch = replay.empty_batch(config.learning.batch_size)
    arrays = [array for array in batch if isinstance(array, np.ndarray)]
    assert ram_bytes(config)["batches"] == BATCHES_HELD * sum(array.nbytes for array in arrays)


def test_processes_and_games_are_counted() -> None:
    config = config_of()
    need = ram_bytes(config)
    more = ram_bytes(replace(config, monitor=replace(config.monitor, eval_processes=3)))
    assert more["evaluation"] - need["evaluation"] > 2 * EVALUATION
    assert "evaluation" not in ram_bytes(replace(config, monitor=replace(config.monitor, eval_steps=None)))
    games = {
        (backend, processes): ram_bytes(replace(config, backend=backend, worker_processes=processes))["games"]
        for backend in ("native", "gymnasium")
        for processes in (False, True)
    }
    assert games["native", True] == games["native", False]
    assert games["native", True] < games["gymnasium", False] < games["gymnasium", True]


def test_a_run_on_a_gpu_keeps_its_networks_there() -> None:
    on_gpu = replace(config_of("notebook"), device="cuda")
    on_cpu = replace(on_gpu, device="cpu")
    assert gpu_bytes(on_cpu) == {}
    assert gpu_bytes(on_gpu)["networks"] == ram_bytes(on_cpu)["networks"] > ram_bytes(on_gpu)["networks"] > 0
    assert gpu_bytes(on_gpu)["activations"] == ram_bytes(on_cpu)["activations"]
    assert "activations" not in ram_bytes(on_gpu)


def test_a_larger_batch_needs_more() -> None:
    config = config_of("cuda")
    twice = replace(config, learning=replace(config.learning, batch_size=2 * config.learning.batch_size))
    for part in ("batches", "activations"):
        assert gpu_bytes(twice)[part] == 2 * gpu_bytes(config)[part]


def test_torchs_generator_is_not_used() -> None:
    before = torch.get_rng_state()
    ram_bytes(config_of("notebook"))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("free", [2 * GIB, 21 * GIB + 12_345])
@pytest.mark.parametrize("num_envs", [8, 7])
def test_the_suggested_capacity_fits_and_a_larger_one_does_not(
    free: int, num_envs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, free)
    config = config_of(capacity=50_000_000, num_envs=num_envs)
    with pytest.raises(InputError) as error:
        check_memory(config)
    message = str(error.value)
    total = sum(ram_bytes(config).values()) / GIB
    expected = f"replay.capacity is 50000000: the run needs {total:.1f} GiB of memory and {free / GIB:.1f} GiB are free"
    assert message.startswith(expected)
    match = re.search(r"a capacity of up to (\d+) would fit$", message)
    assert match is not None
    named = int(match[1])
    check_memory(config_of(capacity=named, num_envs=num_envs))
    block = 10 ** (len(match[1]) - 3)
    assert named % block == 0
    with pytest.raises(InputError):
        check_memory(config_of(capacity=named + block, num_envs=num_envs))


def test_memory_that_is_already_resident_counts_as_free(monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of()
    total = sum(ram_bytes(config).values())
    with_free(monkeypatch, total)
    check_memory(config)
    with_free(monkeypatch, total - 100)
    with pytest.raises(InputError):
        check_memory(config)
    with_free(monkeypatch, total - 100, loaded=100)
    check_memory(config)
    with_free(monkeypatch, total - RUNTIME - 1, loaded=10 * RUNTIME)
    with pytest.raises(InputError):
        check_memory(config)


def test_if_no_replay_fits_the_other_parts_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with_free(monkeypatch, GIB // 2)
    config = config_of(capacity=100_000)
    with pytest.raises(InputError, match=r"even with replay\.capacity 128 and 0\.5 GiB are free") as error:
        check_memory(config)
    assert "evaluation 0.3" in str(error.value)
    assert "replay 0" not in str(error.value)


def test_the_error_for_a_small_gpu_suggests_a_batch_size(monkeypatch: pytest.MonkeyPatch) -> None:
    with_free(monkeypatch, 2**50)
    with_gpu(monkeypatch, free=GIB)
    config = config_of("cuda")
    check_memory(config)
    config = replace(
        config, learning=replace(config.learning, batch_size=100_000), replay=PRESETS["cuda"].replay
    )
    with pytest.raises(
        InputError, match=r"^learning\.batch_size is 100000: .* and 1\.0 GiB are free"
    ) as error:
        check_memory(config)
    match = re.search(r"a batch_size of up to (\d+) would fit$", str(error.value))
    assert match is not None
    fitting = replace(config, learning=replace(config.learning, batch_size=int(match[1])))
    check_memory(fitting)
    larger = int(match[1]) + 10 ** (len(match[1]) - 3)
    with pytest.raises(InputError):
        check_memory(replace(config, learning=replace(config.learning, batch_size=larger)))
    with_gpu(monkeypatch, free=1000)
    with pytest.raises(
        InputError, match=r"^device is 'cuda': .* even with learning\.batch_size 1 and 0\.0 GiB"
    ):
        check_memory(config)


def test_networks_that_cannot_be_built_are_an_input_error() -> None:
    config = config_of(game=replace(PRESETS["cpu"].game, frame_size=8))
    for function in (check_memory, describe_memory):
        with pytest.raises(InputError, match="too small for encoder"):
            function(config)


def test_the_summary_names_every_part_and_the_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    with_free(monkeypatch, 21 * GIB + GIB // 2)
    config = config_of(capacity=10_000_000)
    line = describe_memory(config)
    assert "\n" not in line
    assert line.startswith(f"memory: about {sum(ram_bytes(config).values()) / GIB:.1f} GiB (replay ")
    assert line.endswith(" of 21.5 GiB free")
    for part, size in ram_bytes(config).items():
        assert f"{part} {size / GIB:.2f}" in line


def test_the_summary_includes_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    with_free(monkeypatch, 21 * GIB)
    config = config_of("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert re.search(r" of 21\.0 GiB free; GPU: about \d+\.\d GiB \(networks .*\)$", describe_memory(config))
    with_gpu(monkeypatch, free=80 * GIB)
    assert describe_memory(config).endswith(" of 80.0 GiB free")


def test_a_run_that_does_not_fit_creates_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_free(monkeypatch, 2 * GIB)
    with pytest.raises(InputError, match=r"replay\.capacity is 50000000"):
        train(
            config_of(
                capacity=50_000_000,
                threads=1,
                budget=BudgetConfig(total_frames=8),
                monitor=replace(PRESETS["cpu"].monitor, eval_steps=None),
            ),
            tmp_path / "run",
        )
    assert not (tmp_path / "run").exists()


def test_the_largest_parts_are_named_first_when_the_gpu_is_full() -> None:
    config = PRESETS["cuda"]
    message = explain_out_of_memory(config, torch.OutOfMemoryError("CUDA out of memory. Tried 2 GiB.\nmore"))
    assert "\n" not in message
    names = re.findall(r"([a-z]+) \d+\.\d\d", message)
    need = gpu_bytes(config)
    assert names == sorted(need, key=lambda name: need[name], reverse=True)
    assert "learning.batch_size" in message
