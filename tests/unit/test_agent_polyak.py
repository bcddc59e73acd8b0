"""Soft updates of network copies, in closed form."""

from __future__ import annotations

import torch
from torch import nn

from apexline.agent.polyak import PolyakCopies


def linear(value: float) -> nn.Linear:
    layer = nn.Linear(2, 1)
    for parameter in layer.parameters():
        nn.init.constant_(parameter, value)
    return layer


def test_k_steps_close_the_gap_geometrically() -> None:
    original = linear(0.0)
    copies = PolyakCopies({"net": original}, rate=0.1)
    nn.init.constant_(original.weight, 1.0)
    for k in range(1, 6):
        copies.step()
        expected = 1 - 0.9**k
        torch.testing.assert_close(copies.of(original).weight, torch.full((1, 2), expected))
        assert not copies.of(original).bias.any()


def test_reset_makes_an_exact_copy() -> None:
    original = linear(0.3)
    copies = PolyakCopies({"net": original}, rate=0.1)
    nn.init.uniform_(original.weight)
    copies.reset()
    assert torch.equal(copies.of(original).weight, original.weight)
    assert copies.of(original) is not original


def test_running_statistics_are_copied_not_averaged() -> None:
    original = nn.BatchNorm1d(2)
    copies = PolyakCopies({"norm": original}, rate=0.01)
    original(torch.tensor([[1.0, 10.0], [3.0, 30.0]]))
    assert not torch.equal(copies.of(original).running_mean, original.running_mean)
    copies.step()
    for source, target in zip(original.buffers(), copies.of(original).buffers(), strict=True):
        assert torch.equal(source, target)


def test_copies_are_frozen_and_in_evaluation_mode() -> None:
    copied = PolyakCopies({"norm": nn.BatchNorm1d(2)}, rate=0.5)
    assert not any(parameter.requires_grad for parameter in copied.parameters())
    assert not any(module.training for module in copied.modules())


def test_a_network_without_a_copy_is_its_own_copy() -> None:
    original, other = linear(0.0), linear(0.0)
    assert PolyakCopies({"net": original}, rate=0.5).of(other) is other


def test_originals_are_not_in_the_state_of_the_copies() -> None:
    copies = PolyakCopies({"net": linear(0.0)}, rate=0.5)
    assert sorted(copies.state_dict()) == ["net.bias", "net.weight"]
