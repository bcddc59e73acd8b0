"""The acting policy: constant weights between refreshes."""

from __future__ import annotations

import numpy as np
import torch

from apexline.agent import DDPG, AgentConfig
from apexline.training.acting.actor import Actor


def test_it_acts_with_the_weights_of_the_last_refresh() -> None:
    agent = DDPG(AgentConfig(precision="fp32"), (3, 42, 42), [-1, -1], [1, 1])
    networks = agent.networks
    actor = Actor(agent, 4, (3, 42, 42))
    observations = np.random.default_rng(0).integers(0, 256, (4, 3, 42, 42), np.uint8)
    before = networks.policy(torch.from_numpy(observations)).numpy()
    with torch.no_grad():
        for parameter in networks.parameters():
            parameter.add_(0.1)
    np.testing.assert_array_equal(actor(observations), before)
    actor.refresh()
    after = networks.policy(torch.from_numpy(observations)).numpy()
    np.testing.assert_array_equal(actor(observations), after)
    assert not np.array_equal(before, after)
    assert actor(observations).dtype == np.float32
