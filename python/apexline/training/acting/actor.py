"""The acting policy: a copy of the actor that does not change while the learner updates."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from apexline.agent import DDPG, make_policy
from apexline.agent.polyak import PolyakCopies


class Actor:
    """Chooses actions with the weights that the agent had at the last `refresh`.

    Acting and learning can therefore run in two threads without results that depend on timing. On a GPU the actor has a
    stream of its own, which waits for the updates before the refresh and not for later ones.

    Args:
        agent: the agent whose actor is copied.
        num_envs: observations per call.
        observation_shape: (stack, H, W) or (stack, C, H, W).
    """

    def __init__(self, agent: DDPG, num_envs: int, observation_shape: Sequence[int]) -> None:
        networks = agent.networks
        self._encoder, self._head = networks.actor_encoder, networks.actor
        self._copies = PolyakCopies({"encoder": self._encoder, "head": self._head}, rate=1.0)
        is_cuda = agent.device.type == "cuda"
        self._stream = torch.cuda.Stream(agent.device) if is_cuda else None
        with self._streamed():
            self._policy = make_policy(
                self._act, num_envs, observation_shape, agent.device, graphs=agent.config.cuda_graphs
            )

    def refresh(self) -> None:
        """Copy the current weights; not during a call."""
        self._copies.reset()
        if self._stream is not None:
            self._stream.wait_stream(torch.cuda.current_stream(self._stream.device))

    def __call__(self, observations: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Actions (num_envs, A) for observations (num_envs, frame_stack, *frame_shape), without noise."""
        with self._streamed():
            return self._policy(observations)

    @torch.no_grad()
    def _act(self, observations: torch.Tensor) -> torch.Tensor:
        features = self._copies.of(self._encoder)(observations)
        actions: torch.Tensor = self._copies.of(self._head)(features)[0]
        return actions

    def _streamed(self) -> AbstractContextManager[Any]:
        return nullcontext() if self._stream is None else torch.cuda.stream(self._stream)
