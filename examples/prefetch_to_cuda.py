"""Prioritized replay for a vector of environments that keeps a GPU busy: batches are gathered ahead in the background,
copied without waiting, and the TD errors come back one update later, when they have long arrived.

Needs torch. `python examples/prefetch_to_cuda.py` prints updates per second on random 84x84 frames, on the GPU where
torch sees one and on the CPU elsewhere.
"""

from __future__ import annotations

import copy
import time
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from apexline import PrioritizedFrameReplay
from apexline.replay import TensorBatch

NUM_ENVS, NUM_ACTIONS = 8, 6


class Pending(NamedTuple):
    """TD errors on their way to the host."""

    batch: TensorBatch  # held until then: the copy out of its pinned memory may still be under way
    errors: torch.Tensor
    arrived: torch.cuda.Event | None


def add_step(replay: PrioritizedFrameReplay, rng: np.random.Generator) -> None:
    """Stands for a step of a gymnasium vector environment: what was seen, what was done, what followed."""
    frames, final_frames = rng.integers(0, 255, (2, NUM_ENVS, 84, 84), np.uint8)
    ended = rng.random(NUM_ENVS) < 0.01
    actions, rewards = rng.integers(NUM_ACTIONS, size=NUM_ENVS), rng.normal(size=NUM_ENVS)
    replay.add(frames, actions, rewards, ended, np.zeros(NUM_ENVS, bool), final_frames)


def give_back(replay: PrioritizedFrameReplay, pending: Pending | None) -> None:
    if pending is not None:
        if pending.arrived is not None:
            pending.arrived.synchronize()
        replay.update_priorities(pending.batch.indices, pending.errors)


def run(seed: int = 0, updates: int = 60, batch_size: int = 32) -> tuple[PrioritizedFrameReplay, float]:
    """One update for every step of the environments; returns the replay and the updates per second."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    replay = PrioritizedFrameReplay(
        capacity=20_000,
        num_envs=NUM_ENVS,
        frame_shape=(84, 84),
        action_shape=(),
        action_dtype=np.int64,
        frame_stack=4,
        n_step=3,
        shift=4,
        seed=seed,
    )
    convolutions = [nn.Conv2d(4, 16, 8, 4), nn.ReLU(), nn.Conv2d(16, 32, 4, 2), nn.ReLU(), nn.Flatten()]
    q = nn.Sequential(*convolutions, nn.Linear(32 * 9 * 9, 256), nn.ReLU(), nn.Linear(256, NUM_ACTIONS)).to(
        device
    )
    target = copy.deepcopy(q)
    optimizer = torch.optim.Adam(q.parameters(), lr=1e-4)
    for _ in range(100):
        add_step(replay, rng)

    pending: Pending | None = None
    with replay.prefetch(batch_size, as_torch=True) as batches:
        begin = time.perf_counter()
        for update in range(updates):
            add_step(replay, rng)
            batches.beta = 0.4 + 0.6 * update / updates
            batch = next(batches)
            fields = (batch.obs, batch.next_obs, batch.action, batch.reward, batch.discount, batch.weights)
            obs, next_obs, action, reward, discount, weights = (
                field.to(device, non_blocking=True) for field in fields
            )
            with torch.no_grad():
                goal = reward + discount * target(next_obs / 255).amax(1)
            value = q(obs / 255).gather(1, action[:, None]).squeeze(1)
            loss = (weights * F.smooth_l1_loss(value, goal, reduction="none")).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

            errors = (value - goal).detach().to("cpu", non_blocking=True)  # pinned memory, from a GPU
            arrived = torch.cuda.current_stream(device).record_event() if device.type == "cuda" else None
            give_back(replay, pending)
            pending = Pending(batch, errors, arrived)
        give_back(replay, pending)
        return replay, updates / (time.perf_counter() - begin)


if __name__ == "__main__":
    torch.set_num_threads(1)
    replay, speed = run()
    print(f"{speed:.0f} updates/s; priorities given so far are at most {replay.max_priority:.2f}")
