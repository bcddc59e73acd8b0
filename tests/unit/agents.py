"""Small agents and batches for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from apexline.agent import DDPG, AgentConfig, LinearSchedule, ddpg, skipping
from apexline.replay import TensorBatch

SHAPE = (1, 18, 18)
SMALL = AgentConfig(hidden=(16, 16), trunk_features=8)


def make(seed: int = 0, device: str = "cpu", **changes: Any) -> DDPG:
    return DDPG(replace(SMALL, **changes), SHAPE, [-1, 0], [1, 1], device=device, seed=seed)


def batches(count: int, size: int = 8, device: str = "cpu") -> list[TensorBatch]:
    generator = torch.Generator().manual_seed(1)

    def images() -> Tensor:
        return torch.randint(0, 256, (size, *SHAPE), dtype=torch.uint8, generator=generator)

    made = []
    for _ in range(count):
        batch = TensorBatch(
            obs=images(),
            next_obs=images(),
            action=torch.rand(size, 2, generator=generator),
            reward=torch.randn(size, generator=generator),
            discount=torch.full((size,), 0.9),
            weights=torch.rand(size, generator=generator),
            indices=torch.arange(size),
            extras={},
        )
        made.append(batch.map(lambda tensor: tensor.to(device)))
    return made


def as_on_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Updates on the CPU queue the operations that they would queue on a GPU, where the host reads nothing."""
    for module in (ddpg, skipping):
        monkeypatch.setattr(module, "host_reads", lambda _: False)


def weights(agent: DDPG) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in agent.networks.state_dict().items()}


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def addresses(agent: DDPG) -> set[int]:
    """Addresses of the tensors that carry state from one update to the next."""
    tensors = [*agent.networks.state_dict().values(), agent.updates]
    if agent.scaler.is_enabled():
        tensors += [agent.scaler._scale, agent.scaler._growth_tracker]
    for optimizer in agent.optimizers:
        tensors += [tensor for state in optimizer.state.values() for tensor in state.values()]
        tensors += [rate for group in optimizer.param_groups if isinstance(rate := group["lr"], Tensor)]
    return {tensor.data_ptr() for tensor in tensors}


DECAYING = {name: LinearSchedule(3e-4, 3e-5, 30) for name in ("actor_lr", "critic_lr")}
VARIANTS: list[dict[str, Any]] = [
    {},
    {"shared_encoder": False, "target_actor": True, "num_critics": 1, "action_join": "second"},
    {"normalization": "batch", "ema": 0.9, **DECAYING},
    {"precision": "fp16", "channels_last": False, "flip_augmentation": True},
]
