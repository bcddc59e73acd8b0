"""Horizontal-flip augmentation."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from apexline.agent.horizontal_flip import random_horizontal_flip

from .agents import batches, equal, make, weights


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", [(3, 6, 6), (3, 3, 6, 6)], ids=["gray", "colours"])
def test_some_transitions_are_flipped_completely_and_the_others_unchanged(shape: tuple[int, ...]) -> None:
    (batch,) = batches(1, size=7)
    obs, next_obs = torch.randint(0, 256, (2, 7, *shape), dtype=torch.uint8)
    batch = batch._replace(obs=obs, next_obs=next_obs)
    kept = batch.map(torch.clone)
    augmented = random_horizontal_flip(batch, generator())
    is_flipped = augmented.action[:, 0] == -kept.action[:, 0]
    assert 0 < is_flipped.sum() < 7
    for i in range(7):
        for name in ("obs", "next_obs"):
            original, flipped = getattr(kept, name)[i], getattr(augmented, name)[i]
            width = original.shape[-1]
            for column in range(width):
                source = width - 1 - column if is_flipped[i] else column
                assert torch.equal(flipped[..., column], original[..., source])
        sign = -1 if is_flipped[i] else 1
        assert augmented.action[i].tolist() == [sign * kept.action[i, 0].item(), kept.action[i, 1].item()]
    for name in ("reward", "discount", "weights"):
        assert torch.equal(getattr(augmented, name), getattr(kept, name))
    assert all(torch.equal(*pair) for pair in zip(batch.tensors(), kept.tensors(), strict=True))


def test_every_position_of_a_batch_is_flipped_with_probability_one_half_independently() -> None:
    """Stratified samples are ordered by replay slot, so a position in the batch is a region of the replay."""
    (batch,), rolls = batches(1, size=8), generator()
    draws = torch.stack(
        [random_horizontal_flip(batch, rolls).action[:, 0] != batch.action[:, 0] for _ in range(4000)]
    ).double()
    assert torch.allclose(draws.mean(dim=0), torch.full((8,), 0.5, dtype=torch.float64), atol=0.04)
    together = draws.T @ draws / 4000
    expected = torch.full((8, 8), 0.25, dtype=torch.float64).fill_diagonal_(0.5)
    assert torch.allclose(together, expected, atol=0.04)


@pytest.mark.parametrize("changes", [{}, {"precision": "bf16"}])
def test_an_update_uses_the_flipped_batch(changes: dict[str, Any]) -> None:
    agent, plain, given = make(flip_augmentation=True, **changes), make(**changes), make(**changes)
    for batch in batches(3):
        errors, _ = agent.update(batch)
        expected, _ = given.update(random_horizontal_flip(batch, given.generator))
        plain.update(batch)
        assert torch.equal(errors, expected)
    assert equal(weights(agent), weights(given))
    assert not equal(weights(agent), weights(plain))


def test_the_evaluation_policy_is_averaged_over_flips() -> None:
    agent = make(flip_augmentation=True, ema=0.9)
    for batch in batches(3):
        agent.update(batch)
    networks = agent.networks
    (batch,) = batches(1)
    action, image = networks.evaluation_policy(batch.obs), networks.evaluation_policy(batch.obs.flip(-1))
    assert torch.equal(image[:, 0], -action[:, 0])
    assert torch.equal(image[:, 1], action[:, 1])
    networks.averages_flips = False
    one, other = networks.evaluation_policy(batch.obs), networks.evaluation_policy(batch.obs.flip(-1))
    assert torch.equal(action[:, 0], (one[:, 0] - other[:, 0]) / 2)
    assert torch.equal(action[:, 1], (one[:, 1] + other[:, 1]) / 2)
    assert not torch.equal(action, one)
