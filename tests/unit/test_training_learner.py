"""The learner: every TD error becomes a priority one update later."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from apexline.agent import DDPG, AgentConfig
from apexline.replay import PrioritizedFrameReplay
from apexline.training.learning.learner import Learner

BATCH = 16


class StubAgent:
    """Records batches; its TD errors and losses are the number of the update."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        self.batches: list[Any] = []

    def update(self, batch: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        self.batches.append(batch.map(torch.clone))
        number = float(len(self.batches))
        return torch.full((BATCH,), number), {"losses/critic": torch.tensor(number)}


def filled_replay(**options: Any) -> PrioritizedFrameReplay:
    replay = PrioritizedFrameReplay(
        capacity=200, num_envs=1, frame_shape=(42, 42), action_shape=(2,), frame_stack=3, seed=3, **options
    )
    rng = np.random.default_rng(0)
    no = np.zeros(1, bool)
    for step in range(60):
        frame = rng.integers(0, 255, (1, 42, 42), np.uint8)
        replay.add(frame, rng.uniform(-1, 1, (1, 2)), [step / 60], no, no)
    return replay


def test_errors_become_priorities_one_update_later() -> None:
    replay = filled_replay(alpha=1.0, epsilon=1e-20)
    agent = StubAgent()
    learner = Learner(agent, replay, BATCH)  # type: ignore[arg-type]
    learner.update()
    assert set(replay.priorities) == {0.0, 1.0}
    learner.update()
    assert set(replay.priorities) == {0.0, 1.0}, "the errors of the first update are all 1"
    learner.update()
    assert 2.0 in replay.priorities
    assert 3.0 not in replay.priorities
    learner.flush()
    assert 3.0 in replay.priorities
    assert learner.stale_updates == 0


def test_every_error_becomes_the_priority_of_its_transition() -> None:
    class ErrorByReward(StubAgent):
        def update(self, batch: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            return 2 + batch.reward, {}

    replay = filled_replay(alpha=1.0, epsilon=1e-20)
    learner = Learner(ErrorByReward(), replay, BATCH)  # type: ignore[arg-type]
    for _ in range(5):
        learner.update()
    learner.flush()
    batch = replay.sample(500)
    priorities = replay.priorities[batch.indices % replay.capacity]
    given = priorities != 1
    assert len(set(batch.indices[given].tolist())) > 2 * BATCH
    np.testing.assert_allclose(priorities[given], 2 + batch.reward[given], rtol=1e-6)


def test_the_agent_gets_the_batch_that_was_sampled() -> None:
    agent = StubAgent()
    learner = Learner(agent, filled_replay(), BATCH)  # type: ignore[arg-type]
    peer = filled_replay()
    for _ in range(3):
        learner.update()
    expected = peer.sample(BATCH)
    given = agent.batches[0]
    for name in given._fields[:-1]:
        assert np.array_equal(getattr(given, name).numpy(), getattr(expected, name)), name


def test_metrics_are_means_since_the_last_read() -> None:
    learner = Learner(StubAgent(), filled_replay(), BATCH)  # type: ignore[arg-type]
    assert learner.read_metrics() == {}
    for _ in range(3):
        learner.update()
    assert learner.read_metrics() == {"losses/critic": 2.0}
    learner.update()
    assert learner.read_metrics() == {"losses/critic": 4.0}


def agent_on(device: str) -> DDPG:
    return DDPG(AgentConfig(precision="fp32"), (3, 42, 42), [-1, -1], [1, 1], device=device, seed=0)


def test_a_real_agent_learns_from_it() -> None:
    torch.set_num_threads(1)
    agent = agent_on("cpu")
    before = [parameter.detach().clone() for parameter in agent.networks.parameters()]
    learner = Learner(agent, filled_replay(), BATCH)
    learner.update()
    learner.update()
    changed = [not torch.equal(a, b) for a, b in zip(before, agent.networks.parameters(), strict=True)]
    assert any(changed)
    assert learner.updates == int(agent.updates) == 2


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_pinned_batches_reach_the_gpu_and_errors_come_back() -> None:
    replay = filled_replay()
    learner = Learner(agent_on("cuda"), replay, BATCH)
    for _ in range(4):
        learner.update()
    learner.flush()
    assert len(set(replay.priorities)) > 2
    assert all(np.isfinite(value) for value in learner.read_metrics().values())
