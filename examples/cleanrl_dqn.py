"""DQN in one file, after CleanRL: double Q-learning on a vector of CartPoles with n-step prioritized replay.

Needs torch and gymnasium. `python examples/cleanrl_dqn.py` trains for a few seconds and prints the mean return of
greedy episodes; random actions reach about 20, the maximum is 500.
"""

from __future__ import annotations

import copy

import gymnasium as gym
import numpy as np
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from torch import nn
from torch.nn import functional as F

from apexline import PrioritizedFrameReplay


def train(seed: int = 0, steps: int = 6_000, num_envs: int = 4) -> nn.Module:
    """Trains for `steps` steps of every environment with one update each; returns the Q network."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    envs = SyncVectorEnv([lambda: gym.make("CartPole-v1")] * num_envs, autoreset_mode=AutoresetMode.SAME_STEP)
    replay = PrioritizedFrameReplay(
        capacity=20_000,
        num_envs=num_envs,
        frame_shape=(4,),  # a frame is any array: here position, velocity, angle and angular velocity
        frame_dtype=np.float32,
        action_shape=(),
        action_dtype=np.int64,
        n_step=3,
        gamma=0.99,
        seed=seed,
    )
    q = nn.Sequential(nn.Linear(4, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2))
    target = copy.deepcopy(q)
    optimizer = torch.optim.Adam(q.parameters(), lr=1e-3)

    obs, _ = envs.reset(seed=seed)
    for step in range(steps):
        explore = rng.random(num_envs) < max(0.05, 1 - step / (0.3 * steps))
        with torch.no_grad():
            greedy = q(torch.from_numpy(obs)).argmax(1).numpy()
        actions = np.where(explore, rng.integers(2, size=num_envs), greedy)
        next_obs, rewards, terminated, truncated, infos = envs.step(actions)
        final_obs = (
            next_obs.copy()
        )  # for ended episodes, next_obs is already the first observation of the next one
        for env in np.flatnonzero(terminated | truncated):
            final_obs[env] = infos["final_obs"][env]
        replay.add(obs, actions, rewards, terminated, truncated, final_obs)
        obs = next_obs
        if step < 250:
            continue

        batch = replay.sample(64, beta=0.4 + 0.6 * step / steps, as_torch=True)
        obs_batch = batch.obs.flatten(1)  # (64, 1, 4), stacks of one frame, to (64, 4)
        next_obs_batch = batch.next_obs.flatten(1)
        with torch.no_grad():
            best = q(next_obs_batch).argmax(1, keepdim=True)
            target_value = batch.reward + batch.discount * target(next_obs_batch).gather(1, best).squeeze(1)
        value = q(obs_batch).gather(1, batch.action[:, None]).squeeze(1)
        loss = (batch.weights * F.smooth_l1_loss(value, target_value, reduction="none")).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        replay.update_priorities(batch.indices, (value - target_value).detach())
        if step % 200 == 0:
            target.load_state_dict(q.state_dict())
    envs.close()
    return q


@torch.no_grad()
def evaluate(q: nn.Module, episodes: int = 10, seed: int = 10_000) -> float:
    """Mean return of greedy episodes."""
    env = gym.make("CartPole-v1")
    total = 0.0
    for episode in range(episodes):
        obs, _ = env.reset(seed=seed + episode)
        ended = False
        while not ended:
            obs, reward, terminated, truncated, _ = env.step(int(q(torch.from_numpy(obs)).argmax()))
            total += float(reward)
            ended = terminated or truncated
    return total / episodes


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"mean return of 10 greedy episodes: {evaluate(train()):.0f}")
