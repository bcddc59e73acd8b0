"""Acting: frames are stacked, the policy and its noise choose, and what follows goes into the replay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from apexline.agent import Noise
from apexline.racing import CarRacingVectorEnv
from apexline.replay import PrioritizedFrameReplay

Actions = NDArray[np.float32]
Policy = Callable[[NDArray[np.uint8]], Actions]
"""Actions (num_envs, A) float32 for observations (num_envs, frame_stack, *frame_shape) uint8."""


@dataclass(frozen=True)
class Episode:
    """A finished training episode; the score is the game's own, whatever the rules did to its rewards."""

    score: float
    frames: int
    tiles: float
    ended_by: str


class Collector:
    """Drives a vector of environments with same-step autoreset and stores every step.

    `begin` chooses and sends the actions, `finish` waits for what follows, so that other work fits in between.

    Args:
        envs: environments that yield single frames.
        replay: receives them; its `frame_stack` is the stack that the policy sees.
        policy: chooses actions without noise.
        noise: added to them, in the actions' own units.
        random_actions: draws `(num_envs, A)` actions for the first `random_decisions` decisions.
        random_decisions: decisions over all environments that are driven at random.
        reward_scale: what rewards are multiplied by before they are stored.
    """

    def __init__(
        self,
        envs: VectorEnv[Any, Any, Any],
        replay: PrioritizedFrameReplay,
        policy: Policy,
        noise: Noise,
        *,
        random_actions: Callable[[], Actions],
        random_decisions: int,
        reward_scale: float,
    ) -> None:
        space = envs.single_action_space
        self.envs = envs
        self.replay = replay
        self.policy = policy
        self.noise = noise
        self.random_actions = random_actions
        self.random_decisions = random_decisions
        self.reward_scale = reward_scale
        self.low, self.high = space.low, space.high  # type: ignore[attr-defined]
        self.decisions = 0
        self.episodes = 0
        self._frames_finished = 0
        self._frames_running = np.zeros(envs.num_envs, np.int64)
        self._stacks = np.zeros((envs.num_envs, replay.frame_stack, *replay.frame_shape), replay.frame_dtype)
        self._actions: Actions | None = None
        self._is_between_steps = False
        self._send: Callable[[Actions], None] | None = getattr(envs, "step_async", None)

    @property
    def frames(self) -> int:
        """Game frames played so far."""
        return self._frames_finished + int(self._frames_running.sum())

    def reset(self, seed: int) -> None:
        """Begins an episode in every environment; environment i gets `seed + i`."""
        frames, _ = self.envs.reset(seed=seed)
        self._stacks[:] = frames[:, None]
        self.noise.reset(np.ones(self.envs.num_envs, bool))
        self._is_between_steps = True

    def begin(self) -> None:
        """Chooses an action for every environment and, where they run in processes, sets them off."""
        if self.decisions < self.random_decisions:
            actions = self.random_actions()
        else:
            actions = self.policy(self._stacks) + self.noise.sample(self.decisions)
        self._actions = np.clip(actions, self.low, self.high)
        if self._send is not None:
            self._send(self._actions)

    def finish(self) -> list[Episode]:
        """Waits for the step that `begin` set off, stores it, and returns the episodes that it ended."""
        assert self._actions is not None, "finish without begin"
        self._is_between_steps = False
        envs: Any = self.envs
        step = envs.step(self._actions) if self._send is None else envs.step_wait()
        frames, rewards, terminated, truncated, infos = step
        ended = terminated | truncated
        final_frames = self._final_frames(infos, ended) if ended.any() else None
        self.replay.add(
            np.ascontiguousarray(self._stacks[:, -1]),
            self._actions,
            rewards * self.reward_scale,
            terminated,
            truncated,
            final_frames,
        )
        self._push(frames, ended)
        self.decisions += self.envs.num_envs
        self._frames_running[:] = infos["frames"]
        episodes = self._episodes(infos, ended)
        self._is_between_steps = True
        return episodes

    def race(self) -> dict[str, NDArray[Any]] | None:
        """Where the episodes under way stand, in step with the replay: games (num_envs, bytes) uint8, padded, their
        `sizes`, observations and frames played.

        None where the environments cannot tell, or where a step was interrupted halfway.
        """
        if not self._is_between_steps or not isinstance(self.envs, CarRacingVectorEnv):
            return None
        states = [np.frombuffer(state, np.uint8) for state in self.envs.get_state()]
        sizes = np.array([len(state) for state in states])
        games = np.zeros((len(states), sizes.max()), np.uint8)
        for game, state in zip(games, states, strict=True):
            game[: len(state)] = state
        return {
            "games": games,
            "sizes": sizes,
            "stacks": self._stacks.copy(),
            "frames_running": self._frames_running.copy(),
        }

    def load_race(self, race: dict[str, NDArray[Any]]) -> None:
        """Goes on with the episodes of `race`; after `load_state_dict`.

        Raises:
            ValueError: they are of other environments.
        """
        if not isinstance(self.envs, CarRacingVectorEnv):
            raise ValueError("the episodes under way are of the native game")
        games = zip(race["games"], race["sizes"], strict=True)
        self.envs.set_state([game[:size].tobytes() for game, size in games])
        self._stacks[:] = race["stacks"]
        self._frames_running[:] = race["frames_running"]
        self._frames_finished -= int(self._frames_running.sum())
        self._is_between_steps = True

    def state_dict(self) -> dict[str, Any]:
        """Counters and the noise's state."""
        return {
            "decisions": self.decisions,
            "frames": self.frames,
            "episodes": self.episodes,
            "random_decisions": self.random_decisions,
            "noise": self.noise.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from `state`."""
        self.decisions = state["decisions"]
        self._frames_finished = state["frames"]
        self.episodes = state["episodes"]
        self.random_decisions = state["random_decisions"]
        self.noise.load_state_dict(state["noise"])

    def _push(self, frames: NDArray[np.uint8], ended: NDArray[np.bool_]) -> None:
        self._stacks[:, :-1] = self._stacks[:, 1:]
        self._stacks[:, -1] = frames
        self._stacks[ended] = frames[ended, None]
        self.noise.reset(ended)

    def _final_frames(self, infos: dict[str, Any], ended: NDArray[np.bool_]) -> NDArray[np.uint8]:
        final_frames = np.zeros_like(self._stacks[:, -1])
        for lane in np.flatnonzero(ended):
            final_frames[lane] = infos["final_obs"][lane]
        return final_frames

    def _episodes(self, infos: dict[str, Any], ended: NDArray[np.bool_]) -> list[Episode]:
        episodes = []
        for lane in np.flatnonzero(ended):
            info = infos["final_info"]
            rule = info["ended_by"][lane] if "ended_by" in info else None
            episodes.append(
                Episode(
                    score=float(info["score"][lane]),
                    frames=int(info["frames"][lane]),
                    tiles=float(info["tiles"][lane]),
                    ended_by=rule or "game",
                )
            )
        self.episodes += len(episodes)
        self._frames_finished += sum(episode.frames for episode in episodes)
        return episodes
