"""Acting: the policy and its noise choose actions, and each step of the environments is added to the replay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch.profiler import record_function

from apexline.agent import Noise
from apexline.racing import CarRacingVectorEnv, RacingWorkers, ShapingRules
from apexline.replay import PrioritizedFrameReplay
from apexline.training.acting.background import BackgroundCall
from apexline.training.acting.environment_step import EnvironmentStep, Episode, step_environments
from apexline.training.acting.faults import FaultCounter
from apexline.training.acting.frame_stack import FrameStack
from apexline.training.acting.saved_environments import load_environments, save_environments

Actions = NDArray[np.float32]
ArrayPolicy = Callable[[NDArray[np.uint8]], Actions]
"""Actions (num_envs, A) float32 for observations (num_envs, frame_stack, *frame_shape) uint8."""


class _Acted(NamedTuple):
    """A step of the environments and the actions that it was made with."""

    actions: Actions
    step: EnvironmentStep


class Collector:
    """Acts in a vector environment with same-step autoreset and stores every step in a replay.

    `begin` starts a step of all environments, policy included, in a background thread; `finish` waits for it and stores
    it. Between the two the replay does not change, and `policy` must not change either.

    A step whose reward is not finite, as float32 and times `reward_scale`, is not stored, and ends the episode in the
    replay; so does one whose worker process was lost. An environment whose action is not finite gets a random one.

    Args:
        envs: environments whose observations are single frames, in a fresh array at each call.
        replay: stores the steps; its `frame_stack` is the stack that the policy gets.
        policy: chooses actions without noise.
        noise: added to the actions, in the action's own units.
        random_actions: returns random actions (num_envs, A) for the first `learning_starts` steps.
        learning_starts: steps, over all environments, with random actions.
        reward_scale: factor of the rewards that are stored.
        in_background: False makes the step in `begin` itself, as windows need.
    """

    def __init__(
        self,
        envs: VectorEnv[Any, Any, Any],
        replay: PrioritizedFrameReplay,
        policy: ArrayPolicy,
        noise: Noise,
        *,
        random_actions: Callable[[], Actions],
        learning_starts: int,
        reward_scale: float,
        in_background: bool = True,
    ) -> None:
        space = envs.single_action_space
        self.envs = envs
        self.replay = replay
        self.policy = policy
        self.noise = noise
        self.random_actions = random_actions
        self.learning_starts = learning_starts
        self.reward_scale = reward_scale
        self.low, self.high = space.low, space.high  # type: ignore[attr-defined]
        self.steps = 0
        self.episodes = 0
        self._rewards = FaultCounter(envs.num_envs, "rewards", "try a smaller learning.reward_scale")
        self._actions = FaultCounter(
            envs.num_envs, "actions", "try a lower agent.actor_lr, or a policy with finite weights"
        )
        self._frames_finished = 0
        self._episode_frames = np.zeros(envs.num_envs, np.int64)
        self._frames: NDArray[np.uint8] = np.empty((envs.num_envs, 0), np.uint8)
        """The environments' latest observations, as they returned them."""
        self._stack = FrameStack(envs.num_envs, replay.frame_stack)
        self._call: BackgroundCall[_Acted] = BackgroundCall(threaded=in_background)
        self.has_episodes = False
        """Whether every environment is in an episode, of the same step as stacks, counters and replay."""

    @property
    def frames(self) -> int:
        """Game frames played so far."""
        return self._frames_finished + int(self._episode_frames.sum())

    @property
    def dropped_steps(self) -> int:
        """Steps that were not stored because their rewards were not finite."""
        return self._rewards.total

    def reset(self, seed: int) -> None:
        """Begin an episode in every environment, in environment i with `seed + i`."""
        self._frames, _ = self.envs.reset(seed=seed)
        self._stack.reset(self._frames)
        self.noise.reset(np.ones(self.envs.num_envs, bool))
        self.has_episodes = True

    def set_rules(self, rules: ShapingRules | None) -> None:
        """Replace the environments' shaping rules; running episodes continue. Not between `begin` and `finish`."""
        assert not self._call.is_pending, "set_rules before finish"
        self.envs.set_rules(rules)  # type: ignore[attr-defined]

    def begin(self) -> None:
        """Start a step of every environment."""
        self._call.start(self._act)

    def finish(self) -> list[Episode]:
        """Wait for the step that `begin` started and store it.

        Returns:
            The episodes that ended.

        Raises:
            DivergedError: too many rewards or actions of an environment in a row were not finite.
        """
        with record_function("wait: acting"):
            actions, step = self._call.take()
        self.has_episodes = False
        with record_function("replay: add"):
            self._store(actions, step)
        self._frames = step.frames
        self._stack.push(step.frames, step.ended)
        self.noise.reset(step.ended)
        self.steps += self.envs.num_envs
        self.episodes += len(step.episodes)
        self._frames_finished += sum(episode.frames for episode in step.episodes) + step.interrupted_frames
        self._episode_frames[:] = step.episode_frames
        self.has_episodes = True
        return step.episodes

    def close(self) -> None:
        """End the thread and the environments; a step in progress is dropped."""
        if isinstance(self.envs, RacingWorkers):
            self.envs.kill_workers()  # the step in progress may wait for one that hangs
        self._call.close()
        self.envs.close()

    def state_dict(self) -> dict[str, Any]:
        """Counters, the state of the noise, and the running episodes of native environments.

        `running_episodes` is None if the environments are not native, or after a step that failed.
        """
        return {
            "steps": self.steps,
            "frames": self.frames,
            "episodes": self.episodes,
            "learning_starts": self.learning_starts,
            "noise": self.noise.state_dict(),
            "running_episodes": self._running_episodes(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a `state_dict`; running episodes continue if it has them and the environments are native.

        Raises:
            KeyError, ValueError: the state is damaged or of other environments.
        """
        self.steps = state["steps"]
        self._frames_finished = state["frames"]
        self.episodes = state["episodes"]
        self.learning_starts = state["learning_starts"]
        self.noise.load_state_dict(state["noise"])
        episodes = state["running_episodes"]
        if episodes is not None and isinstance(self.envs, CarRacingVectorEnv):
            self._load_running_episodes(self.envs, {name: value.numpy() for name, value in episodes.items()})

    def _running_episodes(self) -> dict[str, torch.Tensor] | None:
        if self._call.is_pending or not self.has_episodes or not isinstance(self.envs, CarRacingVectorEnv):
            return None
        arrays = save_environments(self.envs) | {
            "stacks": self._stack.stacks,
            "episode_frames": self._episode_frames,
        }
        return {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}

    def _load_running_episodes(self, envs: CarRacingVectorEnv, episodes: dict[str, NDArray[Any]]) -> None:
        stacks, frames = episodes["stacks"], episodes["episode_frames"]
        shape = (envs.num_envs, self._stack.depth, *(envs.single_observation_space.shape or ()))
        if stacks.shape != shape or stacks.dtype != np.uint8:
            raise ValueError(f"stacks are {stacks.dtype} {stacks.shape}; expected uint8 {shape}")
        if frames.shape != shape[:1] or frames.dtype != np.int64 or (frames < 0).any():
            raise ValueError(
                f"episode_frames are {frames.dtype} {frames.shape}; expected int64 {shape[:1]} >= 0"
            )
        load_environments(envs, episodes)
        self._stack.stacks = stacks.copy()
        self._frames = np.ascontiguousarray(self._stack.stacks[:, -1])
        self._episode_frames[:] = frames
        self._frames_finished -= int(self._episode_frames.sum())
        self.has_episodes = True

    def _store(self, actions: Actions, step: EnvironmentStep) -> None:
        with np.errstate(over="ignore"):
            rewards = (step.rewards * self.reward_scale).astype(np.float32)
        dropped = self._rewards.count(rewards)
        if step.interrupted is not None:
            dropped = step.interrupted if dropped is None else dropped | step.interrupted
        mask = None
        if dropped is not None:
            mask = ~dropped
            rewards = np.where(dropped, np.float32(0), rewards)
            self.replay.cut_episodes(dropped)
        self.replay.add(
            self._frames, actions, rewards, step.terminated, step.truncated, step.final_frames, mask
        )

    def _act(self) -> _Acted:
        with record_function("acting: policy"):
            if self.steps < self.learning_starts:
                actions = self.random_actions()
            else:
                actions = self.policy(self._stack.stacks) + self.noise.sample(self.steps)
            replaced = self._actions.count(actions)
            if replaced is not None:
                actions[replaced] = self.random_actions()[replaced]
            actions = np.clip(actions, self.low, self.high)
        with record_function("acting: environments"):
            return _Acted(actions, step_environments(self.envs, actions))
