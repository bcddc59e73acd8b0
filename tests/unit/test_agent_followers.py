"""Soft updates in closed form."""

from __future__ import annotations

import torch
from torch import nn

from apexline.agent.target_networks import Followers


def linear(value: float) -> nn.Linear:
    layer = nn.Linear(2, 1)
    for parameter in layer.parameters():
        nn.init.constant_(parameter, value)
    return layer


def test_k_steps_close_the_gap_geometrically() -> None:
    leader = linear(0.0)
    followers = Followers({"net": leader}, rate=0.1)
    nn.init.constant_(leader.weight, 1.0)
    for k in range(1, 6):
        followers.step()
        expected = 1 - 0.9**k
        torch.testing.assert_close(followers.of(leader).weight, torch.full((1, 2), expected))
        assert not followers.of(leader).bias.any()


def test_reset_makes_an_exact_copy() -> None:
    leader = linear(0.3)
    followers = Followers({"net": leader}, rate=0.1)
    nn.init.uniform_(leader.weight)
    followers.reset()
    assert torch.equal(followers.of(leader).weight, leader.weight)
    assert followers.of(leader) is not leader


def test_running_statistics_are_copied_not_averaged() -> None:
    leader = nn.BatchNorm1d(2)
    followers = Followers({"norm": leader}, rate=0.01)
    leader(torch.tensor([[1.0, 10.0], [3.0, 30.0]]))
    assert not torch.equal(followers.of(leader).running_mean, leader.running_mean)
    followers.step()
    for theirs, ours in zip(leader.buffers(), followers.of(leader).buffers(), strict=True):
        assert torch.equal(theirs, ours)


def test_copies_are_frozen_and_in_evaluation_mode() -> None:
    follower = Followers({"norm": nn.BatchNorm1d(2)}, rate=0.5)
    assert not any(parameter.requires_grad for parameter in follower.parameters())
    assert not any(module.training for module in follower.modules())


def test_what_nothing_follows_stands_in_for_itself() -> None:
    leader, other = linear(0.0), linear(0.0)
    assert Followers({"net": leader}, rate=0.5).of(other) is other


def test_leaders_do_not_belong_to_the_followers() -> None:
    followers = Followers({"net": linear(0.0)}, rate=0.5)
    assert sorted(followers.state_dict()) == ["net.bias", "net.weight"]
