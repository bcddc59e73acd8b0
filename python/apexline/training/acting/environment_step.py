"""A step of a vector environment with same-step autoreset, as dense arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from apexline.racing import CarRacingVectorEnv

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


class Episode(NamedTuple):
    """A finished training episode."""

    score: float
    """Sum of the game's own rewards, without reward shaping."""
    frames: int
    tiles: float
    """Share of the track's tiles that were visited, 0 to 1."""


class EnvironmentStep(NamedTuple):
    """What a step of N environments returned; arrays have the first axis N."""

    frames: NDArray[np.uint8]
    """Observations (N, *frame_shape); of an environment whose episode ended, the first one of the next episode."""
    rewards: Floats
    terminated: Mask
    truncated: Mask
    final_frames: NDArray[np.uint8] | None
    """(N, *frame_shape): last observations of the episodes that ended, other rows undefined; None: none ended."""
    episode_frames: NDArray[Any]
    """Game frames of the running episodes (N,)."""
    episodes: list[Episode]
    """The episodes that ended, in the order of their environments, without the interrupted ones."""
    interrupted: Mask | None = None
    """Environments (N,) whose worker process was lost, and whose episode was truncated: the reward of this step and the
    score of the episode are unknown; None: none was lost."""
    interrupted_frames: int = 0
    """Game frames of the interrupted episodes, as far as they were reported."""

    @property
    def ended(self) -> Mask:
        """Environments whose episode ended (N,)."""
        return self.terminated | self.truncated


def step_environments(envs: VectorEnv[Any, Any, Any], actions: NDArray[np.float32]) -> EnvironmentStep:
    """Step `envs`, native ones without building gymnasium's infos."""
    if isinstance(envs, CarRacingVectorEnv):
        return _step_native(envs, actions)
    frames, rewards, terminated, truncated, infos = envs.step(actions)
    ended = np.flatnonzero(terminated | truncated)
    final_frames = np.zeros_like(frames) if len(ended) else None
    episodes = []
    interrupted = infos["final_info"].get("interrupted") if len(ended) else None
    interrupted_frames = 0
    for env in ended:
        final_frames[env] = infos["final_obs"][env]  # type: ignore[index]
        final = infos["final_info"]
        if interrupted is not None and interrupted[env]:
            interrupted_frames += int(final["frames"][env])
            continue
        score, tiles = float(final["score"][env]), float(final["tiles"][env])
        episodes.append(Episode(score, int(final["frames"][env]), tiles))
    return EnvironmentStep(
        frames,
        rewards,
        terminated,
        truncated,
        final_frames,
        infos["frames"],
        episodes,
        interrupted,
        interrupted_frames,
    )


def _step_native(envs: CarRacingVectorEnv, actions: NDArray[np.float32]) -> EnvironmentStep:
    frames, reports, last_frames, last_reports = envs.step_raw(actions)
    episodes = []
    if last_reports is not None:
        for report in last_reports[reports["terminated"] | reports["truncated"]]:
            episodes.append(Episode(float(report["score"]), int(report["frames"]), float(report["tiles"])))
    return EnvironmentStep(
        frames,
        reports["reward"],
        reports["terminated"],
        reports["truncated"],
        last_frames,
        reports["frames"],
        episodes,
    )
