"""The policy as racing sees it: a copy that stands still while the learner goes on."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from apexline.agent import ActorCritic
from apexline.agent.followers import Followers


class Actor:
    """Chooses actions with the weights that `networks` had at the last `refresh`.

    So racing and learning may run at once, in two threads, and what they compute does not depend on their timing.
    """

    def __init__(self, networks: ActorCritic, device: torch.device) -> None:
        self._encoder, self._head = networks.actor_encoder, networks.actor
        self._copies = Followers({"encoder": self._encoder, "head": self._head}, rate=1.0)
        self._device = device

    def refresh(self) -> None:
        """Takes over the weights as they are now; not while the policy is being asked."""
        self._copies.reset()

    @torch.no_grad()
    def __call__(self, observations: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Actions (num_envs, A) for observations (num_envs, frame_stack, *frame_shape), without noise."""
        pixels = torch.from_numpy(observations).to(self._device)
        actions: torch.Tensor = self._copies.of(self._head)(self._copies.of(self._encoder)(pixels))[0]
        return actions.cpu().numpy()
