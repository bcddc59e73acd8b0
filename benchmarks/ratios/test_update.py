from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.ratios.workloads.update import BATCH, UpdateAgent, UpdateLearner, UpdateWorkload


def test_update_agent(benchmark: Any) -> None:
    update = UpdateAgent()
    before = weights(update)

    errors, metrics = benchmark.pedantic(update.run, rounds=20, warmup_rounds=2)

    assert errors.shape == (BATCH,)
    assert errors.isfinite().all()
    assert all(value.isfinite() for value in metrics.values())
    assert all_changed(before, weights(update))


def test_update_learner(benchmark: Any) -> None:
    update = UpdateLearner()
    before = weights(update)

    benchmark.pedantic(update.run, rounds=20, warmup_rounds=2)

    update.learner.flush()
    assert all_changed(before, weights(update))
    assert all(np.isfinite(value) for value in update.learner.read_metrics().values())
    assert update.learner.stale_updates == 0
    priorities = update.filled.replay.priorities
    assert np.isfinite(priorities).all()
    assert len(np.unique(priorities[priorities > 0])) > BATCH / 2


def weights(update: UpdateWorkload) -> dict[str, Tensor]:
    """All weights of each part, copied."""
    networks = update.agent.networks
    parts = {
        "encoder": networks.critic_encoder,
        "critic": networks.critic,
        "actor": networks.actor,
        "targets": networks.targets,
        "average": networks.average,
    }
    return {
        name: torch.cat([w.detach().flatten() for w in part.parameters()]) for name, part in parts.items()
    }


def all_changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> bool:
    return not any(torch.equal(before[name], after[name]) for name in before)
