"""Racing: frames are stacked, the policy and its noise choose, and what follows goes into the replay."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch.profiler import record_function

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


class _Step(NamedTuple):
    """What was done, and what followed."""

    actions: Actions
    frames: NDArray[np.uint8]
    rewards: NDArray[np.floating[Any]]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    infos: dict[str, Any]


class Collector:
    """Drives a vector of environments with same-step autoreset and stores every step.

    `begin` sets off a step of all environments in a thread of its own, policy included; `finish` waits for it and
    stores it. What happens between the two runs beside the racing, and neither sees anything of the other: until
    `finish`, the replay does not change, and `policy` is not to change either.

    Args:
        envs: environments that yield single frames.
        replay: receives them; its `frame_stack` is the stack that the policy sees.
        policy: chooses actions without noise.
        noise: added to them, in the actions' own units.
        random_actions: draws `(num_envs, A)` actions for the first `learning_starts` steps.
        learning_starts: steps over all environments that are driven at random.
        reward_scale: what rewards are multiplied by before they are stored.
        in_background: whether `begin` returns at once; else it plays the step itself, as windows need.
    """

    def __init__(
        self,
        envs: VectorEnv[Any, Any, Any],
        replay: PrioritizedFrameReplay,
        policy: Policy,
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
        self._frames_finished = 0
        self._frames_running = np.zeros(envs.num_envs, np.int64)
        self._stacks = np.zeros((envs.num_envs, replay.frame_stack, *replay.frame_shape), replay.frame_dtype)
        # Next to a learner that uses every processor, a policy's few observations are no work for more than one.
        self._thread = ThreadPoolExecutor(1, "acting", torch.set_num_threads, (1,)) if in_background else None
        self._step: Future[_Step] | None = None
        self._is_whole = False

    @property
    def frames(self) -> int:
        """Game frames played so far."""
        return self._frames_finished + int(self._frames_running.sum())

    def reset(self, seed: int) -> None:
        """Begins an episode in every environment; environment i gets `seed + i`."""
        frames, _ = self.envs.reset(seed=seed)
        self._stacks[:] = frames[:, None]
        self.noise.reset(np.ones(self.envs.num_envs, bool))
        self._is_whole = True

    def change_games(self, make: Callable[[], VectorEnv[Any, Any, Any]], seed: int) -> None:
        """Closes the environments and goes on in those that `make` returns, of the same game; between steps.

        Native games take over the episodes under way. Others begin anew, environment i with `seed + i`.
        """
        assert self._step is None, "change_games before finish"
        assert self._is_whole, "change_games before reset"
        self._is_whole = False
        before = self.envs
        games = before.get_state() if isinstance(before, CarRacingVectorEnv) else None
        before.close()  # first: closing one of gymnasium's windows closes them all
        self.envs = make()
        if games is not None and isinstance(self.envs, CarRacingVectorEnv):
            self.envs.set_state(games)
            self._is_whole = True
        else:
            self.replay.cut_episodes()
            self._frames_finished = self.frames
            self._frames_running[:] = 0
            self.reset(seed)

    def begin(self) -> None:
        """Sets off a step of every environment."""
        assert self._step is None, "begin before finish"
        if self._thread is not None:
            self._step = self._thread.submit(self._drive)
        else:
            self._step = Future()
            self._step.set_result(self._drive())

    def finish(self) -> list[Episode]:
        """Waits for the step that `begin` set off, stores it, and returns the episodes that it ended."""
        assert self._step is not None, "finish without begin"
        with record_function("wait: acting"):
            step = self._step.result()
        self._is_whole = False
        self._step = None
        ended = step.terminated | step.truncated
        final_frames = self._final_frames(step.infos, ended) if ended.any() else None
        with record_function("replay: add"):
            self.replay.add(
                np.ascontiguousarray(self._stacks[:, -1]),
                step.actions,
                step.rewards * self.reward_scale,
                step.terminated,
                step.truncated,
                final_frames,
            )
        self._push(step.frames, ended)
        self.steps += self.envs.num_envs
        self._frames_running[:] = step.infos["frames"]
        episodes = self._episodes(step.infos, ended)
        self._is_whole = True
        return episodes

    def settle(self) -> None:
        """Finishes a step that was set off, so that what is saved next is whole; one that failed is dropped."""
        if self._step is None:
            return
        if self._step.exception() is None:
            self.finish()
        else:
            self._step, self._is_whole = None, False

    def close(self) -> None:
        """Ends the thread and the environments; a step under way is dropped."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
        self.envs.close()

    def race(self) -> dict[str, NDArray[Any]] | None:
        """Where the episodes under way stand, in step with the replay: games (num_envs, bytes) uint8, padded, their
        `sizes`, observations and frames played.

        None where the environments cannot tell, or where a step was interrupted halfway.
        """
        if self._step is not None or not self._is_whole or not isinstance(self.envs, CarRacingVectorEnv):
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
        self._is_whole = True

    def state_dict(self) -> dict[str, Any]:
        """Counters and the noise's state."""
        return {
            "steps": self.steps,
            "frames": self.frames,
            "episodes": self.episodes,
            "learning_starts": self.learning_starts,
            "noise": self.noise.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from `state`."""
        self.steps = state["steps"]
        self._frames_finished = state["frames"]
        self.episodes = state["episodes"]
        self.learning_starts = state["learning_starts"]
        self.noise.load_state_dict(state["noise"])

    def _drive(self) -> _Step:
        with record_function("acting: policy"):
            if self.steps < self.learning_starts:
                actions = self.random_actions()
            else:
                actions = self.policy(self._stacks) + self.noise.sample(self.steps)
            actions = np.clip(actions, self.low, self.high)
        with record_function("acting: environments"):
            return _Step(actions, *self.envs.step(actions))

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
            episodes.append(
                Episode(
                    score=float(info["score"][lane]),
                    frames=int(info["frames"][lane]),
                    tiles=float(info["tiles"][lane]),
                )
            )
        self.episodes += len(episodes)
        self._frames_finished += sum(episode.frames for episode in episodes)
        return episodes
