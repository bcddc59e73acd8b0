"""The parts of a run, built from its configuration, and their state in a checkpoint."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv

from apexline._core import available_processors
from apexline.agent import DDPG, make_noise
from apexline.racing import ShapingRules, make_vector, random_driving
from apexline.replay import PrioritizedFrameReplay
from apexline.training.acting.actor import Actor
from apexline.training.acting.collector import Collector
from apexline.training.acting.environment_step import Episode
from apexline.training.config.train_config import TrainConfig
from apexline.training.config.validation import to_dict
from apexline.training.learning.learner import Learner
from apexline.training.learning.schedule import UpdateSchedule


class Session:
    """Agent, replay, learner and collector of one run.

    Args:
        config: the configuration.
        weights: networks to start from, an ActorCritic's state; None: random ones.
        render: show the first environment in a window.

    Raises:
        ValueError: parts of the configuration are incompatible.
        RuntimeError: `weights` do not fit the configured networks.
    """

    def __init__(
        self, config: TrainConfig, *, weights: dict[str, Any] | None = None, render: bool = False
    ) -> None:
        self.config = config
        threads = config.threads or 1
        torch.set_num_threads(threads)
        self._native_threads = max(1, available_processors() - threads)
        self._render = render
        low, high = config.game.action_bounds
        observation_shape = (config.replay.frame_stack, *config.game.frame_shape)
        self.agent = DDPG(
            config.agent,
            observation_shape,
            low,
            high,
            device=config.device,
            seed=config.seed,
        )
        if weights is not None:
            self.agent.networks.load_online(weights)
        self.replay = PrioritizedFrameReplay(
            num_envs=config.num_envs,
            frame_shape=config.game.frame_shape,
            action_shape=low.shape,
            seed=config.seed,
            num_threads=self._native_threads,
            **config.replay.arguments(),
        )
        self.learner = Learner(
            self.agent,
            self.replay,
            config.learning.batch_size,
            shift=config.replay.shift,
            max_skipped_updates=config.learning.max_skipped_updates,
        )
        self.actor = Actor(self.agent, config.num_envs, observation_shape)
        self.rng = np.random.default_rng(config.seed)
        self.collector = Collector(
            self._games(config.shaping[0].rules),
            self.replay,
            self.actor,
            make_noise(config.noise, config.num_envs, len(low), config.seed),
            random_actions=lambda: random_driving(self.rng, config.num_envs, config.game.pedal),
            learning_starts=0 if weights is not None else config.learning.learning_starts,
            reward_scale=config.learning.reward_scale,
            in_background=not render,
        )
        self._schedule = UpdateSchedule(config.learning.replay_ratio)
        self._phase = 0

    def begin_episodes(self) -> None:
        """Reset every environment, unless running episodes were loaded from a checkpoint.

        The seed depends on the number of steps, so it differs after each resumption.
        """
        if not self.collector.has_episodes:
            self.replay.cut_episodes()
            seeds = np.random.SeedSequence([self.config.seed, self.collector.steps])
            self.collector.reset(seed=int(seeds.generate_state(1)[0] >> 1))

    def take_due_updates(self) -> int:
        """Updates due for the next step: 0 before learning starts, then by the replay ratio. Each is returned once."""
        learns = self.collector.steps >= self.config.learning.learning_starts and len(self.replay) > 0
        return self._schedule.due(self.config.num_envs) if learns else 0

    def step(self, updates: int) -> list[Episode]:
        """Run a step of every environment and, concurrently, `updates` updates; returns the episodes that ended."""
        self.follow_shaping()
        self.actor.refresh()
        self.collector.begin()
        for _ in range(updates):
            self.learner.update()
        return self.collector.finish()

    def follow_shaping(self) -> None:
        """Set the shaping rules of the current curriculum phase; between steps."""
        phases = self.config.shaping
        phase = sum(phase.start_step <= self.collector.steps for phase in phases) - 1
        if phase != self._phase:
            self.collector.set_rules(phases[phase].rules)
            self._phase = phase

    def state_dict(self) -> dict[str, Any]:
        """Everything that determines the rest of the run, apart from the replay; between steps.

        Contains the configuration, the agent, counters, random states, running episodes and what is in flight. Tensors
        are references.
        """
        return {
            "config": json.dumps(to_dict(self.config)),
            "steps": self.collector.steps,
            "agent": self.agent.state_dict(),
            "learner": self.learner.state_dict(),
            "collector": self.collector.state_dict(),
            "schedule": self._schedule.state_dict(),
            "rng": self.rng.bit_generator.state,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a `state_dict`, after the replay was loaded.

        With native environments the run continues exactly. With others, which cannot save their state, new episodes
        begin.

        Raises:
            KeyError, RuntimeError, ValueError: `state` is of another configuration.
        """
        self.agent.load_state_dict(state["agent"])
        self.learner.load_state_dict(state["learner"])
        self.collector.load_state_dict(state["collector"])
        self._schedule.load_state_dict(state["schedule"])
        self.rng.bit_generator.state = state["rng"]

    def _games(self, rules: ShapingRules) -> VectorEnv[Any, Any, Any]:
        return make_vector(
            self.config.game,
            self.config.num_envs,
            backend=self.config.backend,
            rules=rules,
            num_threads=self._native_threads,
            worker_processes=self.config.worker_processes,
            worker_timeout=self.config.worker_timeout,
            max_worker_restarts=self.config.max_worker_restarts,
            render_first=self._render,
        )

    def close(self) -> None:
        """End the threads and the environments."""
        self.learner.close()
        self.collector.close()
