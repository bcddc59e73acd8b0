"""Polyak-averaged copies of networks: target networks, the weight average (EMA) and the actor's frozen copy."""

from __future__ import annotations

import copy
from typing import TypeVar, cast

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


class PolyakCopies(nn.ModuleDict):
    """Copies of networks by name, without gradients and in evaluation mode; `step` moves each towards its original.

    Soft update of Lillicrap et al. 2015, algorithm 1: copy <- rate * original + (1 - rate) * copy. Buffers (BatchNorm's
    running statistics) are copied unchanged. The originals are not submodules of this module.

    Args:
        originals: networks to copy, by name.
        rate: share of the original in each `step`, in (0, 1]; 1 copies it.
    """

    def __init__(self, originals: dict[str, nn.Module], rate: float) -> None:
        super().__init__({name: copy.deepcopy(original) for name, original in originals.items()})
        self.requires_grad_(False).eval()
        self._originals = originals
        self._rate = rate

    def of(self, network: M) -> M:
        """The copy of `network`, or `network` itself if it has none."""
        for name, original in self._originals.items():
            if original is network:
                return cast(M, self[name])
        return network

    def step(self) -> None:
        """Apply one soft update to every copy."""
        self._move(self._rate)

    def reset(self) -> None:
        """Make every copy equal to its original."""
        self._move(1.0)

    @torch.no_grad()
    def _move(self, rate: float) -> None:
        for name, original in self._originals.items():
            copied = self[name]
            torch._foreach_lerp_(list(copied.parameters()), list(original.parameters()), rate)
            for target, source in zip(copied.buffers(), original.buffers(), strict=True):
                target.copy_(source)
