"""Prioritized replay for a vector of environments that keeps a GPU busy.

`DevicePrefetcher` gathers batches in the background and copies them to the GPU while the update before runs; TD errors
are copied back one update later, when they are available without waiting.

Needs torch. `python examples/prefetch_to_cuda.py` prints updates per second on random 84x84 frames, on the GPU if torch
finds one and on the CPU otherwise.
"""

from __future__ import annotations

import copy
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from apexline import PrioritizedFrameReplay
from apexline.replay.device import DevicePrefetcher

NUM_ENVS, NUM_ACTIONS = 8, 6


def add_step(replay: PrioritizedFrameReplay, rng: np.random.Generator) -> None:
    """Adds random data in place of a step of a gymnasium vector environment."""
    frames, final_frames = rng.integers(0, 255, (2, NUM_ENVS, 84, 84), np.uint8)
    ended = rng.random(NUM_ENVS) < 0.01
    actions, rewards = rng.integers(NUM_ACTIONS, size=NUM_ENVS), rng.normal(size=NUM_ENVS)
    replay.add(frames, actions, rewards, ended, np.zeros(NUM_ENVS, bool), final_frames)


def run(seed: int = 0, updates: int = 60, batch_size: int = 32) -> tuple[PrioritizedFrameReplay, float]:
    """One update per step of the environments; returns the replay and the updates per second."""
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
    head = [nn.Linear(32 * 9 * 9, 256), nn.ReLU(), nn.Linear(256, NUM_ACTIONS)]
    q = nn.Sequential(*convolutions, *head).to(device)
    target = copy.deepcopy(q)
    optimizer = torch.optim.Adam(q.parameters(), lr=1e-4)
    for _ in range(100):
        add_step(replay, rng)

    with DevicePrefetcher(replay, batch_size, device) as batches:
        begin = time.perf_counter()
        for update in range(updates):
            add_step(replay, rng)
            batches.beta = 0.4 + 0.6 * update / updates
            batch = next(batches)
            with torch.no_grad():
                target_value = batch.reward + batch.discount * target(batch.next_obs / 255).amax(1)
            value = q(batch.obs / 255).gather(1, batch.action[:, None]).squeeze(1)
            loss = (batch.weights * F.smooth_l1_loss(value, target_value, reduction="none")).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            batches.update_priorities(value - target_value)
        batches.flush()
        return replay, updates / (time.perf_counter() - begin)


if __name__ == "__main__":
    torch.set_num_threads(1)
    replay, speed = run()
    print(f"{speed:.0f} updates/s; the largest priority is {replay.max_priority:.2f}")
