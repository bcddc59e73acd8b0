"""Slow copies of networks: the targets of DDPG, and the weight average that evaluation plays."""

from __future__ import annotations

import copy
from typing import TypeVar, cast

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


class Followers(nn.ModuleDict):
    """Frozen copies, by name, that move a fixed share of the way to their leaders at every `step`.

    Soft updates as in Lillicrap et al. 2015, algorithm 1: copy <- rate * leader + (1 - rate) * copy.
    Buffers (the running statistics of BatchNorm) are copied as they are. The leaders are not part of this
    module.
    """

    def __init__(self, leaders: dict[str, nn.Module], rate: float) -> None:
        super().__init__({name: copy.deepcopy(leader) for name, leader in leaders.items()})
        self.requires_grad_(False).eval()
        self._leaders = leaders
        self._rate = rate

    def of(self, network: M) -> M:
        """The copy of `network`, or `network` itself where none follows it."""
        for name, leader in self._leaders.items():
            if leader is network:
                return cast(M, self[name])
        return network

    def step(self) -> None:
        """Move every copy towards its leader by one update."""
        self._move(self._rate)

    def reset(self) -> None:
        """Make every copy equal to its leader."""
        self._move(1.0)

    @torch.no_grad()
    def _move(self, rate: float) -> None:
        for name, leader in self._leaders.items():
            follower = self[name]
            torch._foreach_lerp_(list(follower.parameters()), list(leader.parameters()), rate)
            for theirs, ours in zip(leader.buffers(), follower.buffers(), strict=True):
                ours.copy_(theirs)
