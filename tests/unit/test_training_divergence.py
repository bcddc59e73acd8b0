"""Skipped updates in the learner: counted, without priorities and metrics, and an error that names the cause."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from apexline.agent import DDPG, LinearSchedule
from apexline.agent.config import PrecisionName
from apexline.training import DivergedError
from apexline.training.learning.diagnosis import diagnose
from apexline.training.learning.learner import Learner

from .agents import batches, make
from .test_training_learner import BATCH, StubAgent, filled_replay


class Faulty(StubAgent):
    """An agent that skips the updates whose numbers, from 1, `bad` contains."""

    def __init__(self, bad: Any) -> None:
        super().__init__()
        self.bad = bad

    def update(self, batch: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        td_errors, metrics = super().update(batch)
        if len(self.batches) not in self.bad:
            return td_errors, metrics
        return torch.full_like(td_errors, torch.nan), {"losses/critic": torch.tensor(torch.inf)}


def learner_of(agent: Any, limit: int = 100, **options: Any) -> Learner:
    return Learner(agent, filled_replay(**options), BATCH, max_skipped_updates=limit)


def test_a_skipped_update_changes_no_priority() -> None:
    learner = learner_of(Faulty({2}), alpha=1.0, epsilon=1e-20)
    for _ in range(2):
        learner.update()
    before = learner.replay.priorities
    learner.flush()
    assert np.array_equal(learner.replay.priorities, before)
    assert learner.skipped_updates == 1
    learner.update()
    learner.flush()
    assert 3.0 in learner.replay.priorities
    assert learner.updates == 3


def test_health_is_that_of_the_last_update() -> None:
    learner = learner_of(Faulty({2, 3, 5}))
    assert learner.is_healthy
    health = []
    for _ in range(6):
        learner.update()
        health.append(learner.is_healthy)
        assert learner.is_healthy == health[-1], "asking changes nothing"
    assert health == [True, False, False, True, False, True]
    learner.flush()
    assert learner.is_healthy
    assert learner.skipped_updates == 3


def test_a_flush_after_a_skipped_update_keeps_it_in_mind() -> None:
    learner = learner_of(Faulty({2}))
    for _ in range(2):
        learner.update()
    for _ in range(2):
        learner.flush()
        assert not learner.is_healthy
        assert learner.skipped_updates == 1


def test_metrics_are_means_of_the_other_updates() -> None:
    learner = learner_of(Faulty({2, 4, 5, 6}))
    for _ in range(4):
        learner.update()
    assert learner.read_metrics() == {"losses/critic": 2.0}
    learner.update()
    assert learner.read_metrics() == {}, "all were skipped"
    assert learner.read_metrics() == {}
    for _ in range(2):
        learner.update()
    assert learner.read_metrics() == {"losses/critic": 7.0}


@pytest.mark.parametrize("flushed", [False, True])
def test_alternating_updates_do_not_end_training(flushed: bool) -> None:
    learner = learner_of(Faulty(range(1, 1000, 2)), limit=2)
    for _ in range(50):
        learner.update()
        if flushed:
            learner.flush()
    learner.flush()
    assert learner.skipped_updates == 25


def test_too_many_in_a_row_end_it() -> None:
    agent = make()
    agent.update = Faulty(range(4, 1000)).update  # type: ignore[method-assign]
    learner = learner_of(agent, limit=5)
    for _ in range(8):
        learner.update()
    with pytest.raises(
        DivergedError, match=r"^updates 4 to 9 were skipped: losses/critic is inf; expected finite"
    ):
        learner.update()
    assert not learner.is_healthy
    assert learner.skipped_updates == 6, "the one after the fifth was queued already"


def test_a_good_update_at_the_limit_does_not() -> None:
    learner = learner_of(Faulty({1, 2, 3}), limit=3)
    for _ in range(6):
        learner.update()
    assert learner.is_healthy


def diagnosis_of(agent: DDPG, **changes: Any) -> str:
    (batch,) = batches(1)
    batch = batch._replace(
        **{name: torch.full_like(getattr(batch, name), value) for name, value in changes.items()}
    )
    td_errors, metrics = agent.update(batch)
    assert td_errors.isnan().all()
    return diagnose(agent, batch, metrics)


@pytest.mark.parametrize("name", ["reward", "action", "discount", "weights"])
def test_a_value_of_the_batch_is_named(name: str) -> None:
    message = diagnosis_of(make(), **{name: -torch.inf})
    assert message.startswith(f"batch.{name} is inf, ")
    assert message.endswith("; expected finite values; try a smaller learning.reward_scale")


def test_a_weight_is_named() -> None:
    agent = make()
    agent.networks.critic.trunk[0].weight.data[0, 0] = torch.nan  # type: ignore[index, union-attr]
    message = diagnosis_of(agent)
    assert message.startswith("the weight critic.trunk.0.weight is nan, losses/")
    assert message.endswith("try a policy or checkpoint with finite weights")


def test_a_moment_is_named() -> None:
    agent = make()
    agent.update(batches(1)[0])
    weight = agent.networks.actor.output.weight
    agent.actor_optimizer.state[weight]["exp_avg_sq"][0, 0] = torch.inf
    message = diagnosis_of(agent, reward=torch.nan)
    assert "exp_avg_sq of actor.output.weight is inf" in message


@pytest.mark.parametrize(
    ("network", "precision", "value", "advice"),
    [
        (
            "critic",
            "fp32",
            torch.inf,
            "a lower agent.critic_lr (now 0.0003) or agent.actor_lr (now 0.001), or a smaller learning.reward_scale",
        ),
        ("critic", "fp16", torch.nan, "agent.precision fp32 or a lower agent.critic_lr (now 0.0003)"),
        ("actor", "fp32", 1e25, "a lower agent.actor_lr (now 0.001)"),
    ],
)
def test_a_gradient_is_named(network: str, precision: PrecisionName, value: float, advice: str) -> None:
    agent = make(precision=precision, actor_lr=LinearSchedule(1e-3))
    getattr(agent.networks, network).trunk[0].bias.register_hook(
        lambda gradient: torch.full_like(gradient, value)
    )
    message = diagnosis_of(agent)
    assert message.startswith(
        f"the gradient of {network}.trunk.0.bias is {value:g}; expected finite values; try {advice}"
    )


def test_a_loss_is_named() -> None:
    message = diagnosis_of(make(huber_delta=None), reward=1e30)
    assert message.startswith("losses/critic is inf, the gradient of ")
    assert "agent.critic_lr" in message
