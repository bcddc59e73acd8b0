"""Prioritized n-step replay for stable-baselines3's DQN; each observation is stored once.

Needs stable-baselines3 (2.9 or newer). `python examples/sb3_dqn.py` trains on CartPole for a few seconds and prints the
mean return; random actions reach about 20, the maximum is 500.

`FrameReplayBuffer` can be the `replay_buffer_class` of any off-policy algorithm. The algorithms of stable-baselines3
neither expose TD errors nor weight their losses, so use them with `alpha=0`: sampling is then uniform, as in their own
buffers. `PrioritizedDQN` is DQN with the changes to `train` that prioritized replay needs.

A second `learn()` resets the environments in the middle of their episodes, unless `reset_num_timesteps=False`. Call
`model.replay_buffer.replay.cut_episodes()` before it, so that old and new episodes stay separate.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import DQN
from stable_baselines3.common.buffers import BaseBuffer, ReplayBuffer
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.common.vec_env import VecNormalize
from torch.nn import functional as F

from apexline import Batch, PrioritizedFrameReplay


class FrameReplayBuffer(ReplayBuffer):
    """Adapter of `PrioritizedFrameReplay`. `options`, such as `n_step` and `gamma`, are arguments of the replay."""

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Box,
        action_space: spaces.Box | spaces.Discrete,
        device: torch.device | str = "auto",
        n_envs: int = 1,
        optimize_memory_usage: bool = False,  # no effect: each observation is stored once anyway
        **options: Any,
    ) -> None:
        # Skips ReplayBuffer.__init__, which would allocate arrays.
        BaseBuffer.__init__(self, buffer_size, observation_space, action_space, device, n_envs)
        self.handle_timeout_termination = True
        self.optimize_memory_usage = optimize_memory_usage
        self.sampled: Batch | None = None
        self.replay = PrioritizedFrameReplay(
            capacity=buffer_size,
            num_envs=n_envs,
            frame_shape=self.obs_shape,
            frame_dtype=observation_space.dtype,
            action_shape=(self.action_dim,),
            action_dtype=np.int64 if isinstance(action_space, spaces.Discrete) else np.float32,
            frame_stack=1,  # stable-baselines3 stacks frames in the environment
            **options,
        )

    def add(
        self,
        obs: NDArray[Any],
        next_obs: NDArray[Any],
        action: NDArray[Any],
        reward: NDArray[Any],
        done: NDArray[Any],
        infos: list[dict[str, Any]],
    ) -> None:
        done = done.astype(bool)
        truncated = done & np.array([info.get("TimeLimit.truncated", False) for info in infos])
        actions = action.reshape(self.n_envs, self.action_dim)
        self.replay.add(obs, actions, reward, done & ~truncated, truncated, final_frames=next_obs)

    def sample(self, batch_size: int, env: VecNormalize | None = None) -> ReplayBufferSamples:
        """Also stores the batch, with its weights and indices, as `sampled`."""
        batch = self.sampled = self.replay.sample(batch_size)
        obs, next_obs = (self._normalize_obs(stack[:, 0], env) for stack in (batch.obs, batch.next_obs))
        reward = self._normalize_reward(batch.reward, env)
        columns = [array[:, None] for array in (batch.discount == 0, reward, batch.discount)]
        dones, rewards, discounts = (self.to_torch(column.astype(np.float32)) for column in columns)
        return ReplayBufferSamples(
            observations=self.to_torch(np.asarray(obs)),
            actions=self.to_torch(batch.action),
            next_observations=self.to_torch(np.asarray(next_obs)),
            dones=dones,
            rewards=rewards,
            discounts=discounts,
        )

    def size(self) -> int:
        return len(self.replay)

    def reset(self) -> None:
        self.replay.clear()


class PrioritizedDQN(DQN):
    """DQN with importance weights and priority updates; needs a `FrameReplayBuffer`."""

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        buffer = self.replay_buffer
        assert isinstance(buffer, FrameReplayBuffer)
        buffer.replay.beta = 1 - 0.6 * self._current_progress_remaining  # from 0.4 to 1
        for _ in range(gradient_steps):
            batch = buffer.sample(batch_size, env=self._vec_normalize_env)
            assert batch.discounts is not None
            assert buffer.sampled is not None
            with torch.no_grad():
                next_value = self.q_net_target(batch.next_observations).amax(1, keepdim=True)
                target_value = batch.rewards + (1 - batch.dones) * batch.discounts * next_value
            value = self.q_net(batch.observations).gather(1, batch.actions)
            weights = buffer.to_torch(buffer.sampled.weights)[:, None]
            loss = (weights * F.smooth_l1_loss(value, target_value, reduction="none")).mean()
            self.policy.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
            self.policy.optimizer.step()
            buffer.replay.update_priorities(
                buffer.sampled.indices, (value - target_value).detach().cpu().squeeze(1)
            )
        self._n_updates += gradient_steps
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/loss", loss.item())


def train(seed: int = 0, steps: int = 24_000) -> PrioritizedDQN:
    """Trains for `steps` steps over four environments, one update per four steps."""
    model = PrioritizedDQN(
        "MlpPolicy",
        make_vec_env("CartPole-v1", n_envs=4, seed=seed),
        learning_rate=lambda left: 1e-3 * left,
        buffer_size=20_000,
        learning_starts=1_000,
        batch_size=64,
        gamma=0.99,
        train_freq=1,
        target_update_interval=800,
        exploration_fraction=0.3,
        replay_buffer_class=FrameReplayBuffer,
        replay_buffer_kwargs={"n_step": 3, "gamma": 0.99, "seed": seed},  # the same gamma as above
        policy_kwargs={"net_arch": [128, 128]},
        seed=seed,
        device="cpu",
    )
    return model.learn(steps)


def evaluate(model: DQN, episodes: int = 10, seed: int = 10_000) -> float:
    """Mean return of greedy episodes."""
    envs = make_vec_env("CartPole-v1", n_envs=1, seed=seed)
    return float(np.mean(evaluate_policy(model, envs, episodes)[0]))


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"mean return of 10 greedy episodes: {evaluate(train()):.0f}")
