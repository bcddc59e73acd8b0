"""Learning from mirror images."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from apexline.agent import TensorBatch
from apexline.agent.mirror import mirror_half

from .agents import batches, equal, make, weights


def test_every_other_transition_is_mirrored() -> None:
    (batch,) = batches(1, size=7)
    kept = TensorBatch(*(field.clone() for field in batch))
    mirrored = mirror_half(batch)
    for i in range(7):
        for name in ("obs", "next_obs"):
            picture, image = getattr(kept, name)[i], getattr(mirrored, name)[i]
            width = picture.shape[-1]
            for column in range(width):
                source = width - 1 - column if i % 2 == 0 else column
                assert torch.equal(image[..., column], picture[..., source])
        sign = -1 if i % 2 == 0 else 1
        assert mirrored.action[i].tolist() == [sign * kept.action[i, 0].item(), kept.action[i, 1].item()]
    for name in ("reward", "discount", "weights"):
        assert torch.equal(getattr(mirrored, name), getattr(kept, name))
    assert all(torch.equal(field, before) for field, before in zip(batch, kept, strict=True))


def test_pictures_with_colours_are_mirrored_by_their_columns() -> None:
    (batch,) = batches(1)
    colours = batch._replace(obs=torch.randint(0, 256, (4, 3, 3, 6, 6), dtype=torch.uint8))
    assert torch.equal(mirror_half(colours).obs[2], colours.obs[2].flip(-1))


@pytest.mark.parametrize("changes", [{}, {"precision": "bf16"}])
def test_an_agent_learns_from_the_mirrored_batch(changes: dict[str, Any]) -> None:
    agent, plain, given = make(mirror=True, **changes), make(**changes), make(**changes)
    for batch in batches(3):
        errors, _ = agent.update(batch)
        expected, _ = given.update(mirror_half(batch))
        plain.update(batch)
        assert torch.equal(errors, expected)
    assert equal(weights(agent), weights(given))
    assert not equal(weights(agent), weights(plain))


def test_evaluation_is_symmetric() -> None:
    agent = make(mirror=True, ema=0.9)
    for batch in batches(3):
        agent.update(batch)
    networks = agent.networks
    (batch,) = batches(1)
    action, image = networks.evaluation_policy(batch.obs), networks.evaluation_policy(batch.obs.flip(-1))
    assert torch.equal(image[:, 0], -action[:, 0])
    assert torch.equal(image[:, 1], action[:, 1])
    networks.is_mirrored = False
    one, other = networks.evaluation_policy(batch.obs), networks.evaluation_policy(batch.obs.flip(-1))
    assert torch.equal(action[:, 0], (one[:, 0] - other[:, 0]) / 2)
    assert torch.equal(action[:, 1], (one[:, 1] + other[:, 1]) / 2)
    assert not torch.equal(action, one)
