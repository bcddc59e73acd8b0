"""Infos of vector environments in gymnasium's format: an array for each key, and a mask for each _key.

The mask selects the environments that have a value; the rows of the others are zero, or None. A key that no environment
has is absent.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from apexline.racing.native.arguments import Ids, Mask
from apexline.racing.native.games import ENDED_BY, Reports
from apexline.racing.native.state import EpisodeSoFar
from apexline.racing.types import Frame, Info


def running_infos(reports: Reports, mask: Mask) -> Info:
    """Returns score, frames and tiles of the environments in `mask`, and repeats of those in it that were stepped."""
    infos: Info = {
        "score": reports["score"].copy(),
        "_score": mask,
        "frames": reports["frames"].astype(np.int64),
        "_frames": mask,
        "tiles": reports["tiles"].copy(),
        "_tiles": mask,
    }
    was_reset = reports["was_reset"]
    if not was_reset.any():
        infos["repeats"] = reports["repeats"].astype(np.int64)
        infos["_repeats"] = mask
        return infos
    stepped = mask & ~was_reset
    if stepped.any():
        infos["repeats"] = np.where(stepped, reports["repeats"], 0).astype(np.int64)
        infos["_repeats"] = stepped
    return infos


def add_endings(infos: Info, reports: Reports, ended: Mask) -> None:
    """Adds lap_finished and ended_by of the episodes that ended, for those that the game or a rule ended."""
    by_game = ended & (reports["lap_finished"] >= 0)
    if by_game.any():
        infos["lap_finished"] = by_game & (reports["lap_finished"] == 1)
        infos["_lap_finished"] = by_game
    by_rule = ended & (reports["ended_by"] > 0)
    if by_rule.any():
        infos["ended_by"] = np.where(by_rule, ENDED_BY[reports["ended_by"]], None)
        infos["_ended_by"] = by_rule


def add_finals(infos: Info, frames: Frame, reports: Reports, ended: Mask) -> None:
    """Adds final_obs and final_info of the environments whose episode ended and that were reset in the same step."""
    final_obs = np.full(len(ended), None, object)
    for env in np.flatnonzero(ended):
        final_obs[env] = frames[env].copy()
    final_info = running_infos(reports, ended)
    add_endings(final_info, reports, ended)
    infos.update(final_obs=final_obs, _final_obs=ended, final_info=final_info, _final_info=ended)


class EpisodeStatistics:
    """Return, length and time of episodes, as gymnasium.wrappers.vector.RecordEpisodeStatistics computes them.

    Args:
        num_envs: number of environments.
        resets_in_step: whether an environment is reset in the step that ends its episode (same-step autoreset).
        clock: returns seconds.
    """

    def __init__(
        self, num_envs: int, *, resets_in_step: bool, clock: Callable[[], float] = perf_counter
    ) -> None:
        self._resets_in_step = resets_in_step
        self._clock = clock
        self._totals = np.zeros(num_envs)
        self._steps = np.zeros(num_envs, np.int64)
        self._starts = np.full(num_envs, clock())

    def __getstate__(self) -> dict[str, Any]:
        """With the seconds since each reset: another process has another clock."""
        return {**vars(self), "_starts": self._clock() - self._starts}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._starts = self._clock() - state["_starts"]

    def begin(self, envs: Mask | Ids) -> None:
        """Starts episodes in the selected environments."""
        self._totals[envs] = 0
        self._steps[envs] = 0
        self._starts[envs] = self._clock()

    def count(
        self,
        rewards: npt.NDArray[np.float64],
        was_reset: Mask,
        ended: Mask,
        infos: Info,
        env_ids: Ids | None = None,
    ) -> None:
        """Counts a step of all environments or those in `env_ids`, and adds the episodes that it ended to `infos`."""
        envs = slice(None) if env_ids is None else env_ids
        self._totals[envs] += rewards
        self._steps[envs] += 1
        if not self._resets_in_step and was_reset.any():
            self.begin(was_reset if env_ids is None else env_ids[was_reset])
        if not ended.any():
            return
        infos["episode"] = {
            "r": np.where(ended, self._totals[envs], 0.0),
            "l": np.where(ended, self._steps[envs], 0),
            "t": np.where(ended, np.round(self._clock() - self._starts[envs], 6), 0.0),
        }
        infos["_episode"] = ended
        if self._resets_in_step:
            self.begin(ended if env_ids is None else env_ids[ended])

    def of(self, env: int) -> EpisodeSoFar:
        """Returns the statistics of an environment's running episode."""
        seconds = self._clock() - float(self._starts[env])
        return EpisodeSoFar(float(self._totals[env]), int(self._steps[env]), seconds)

    def put(self, env: int, episode: EpisodeSoFar) -> None:
        """Replaces the statistics of an environment's running episode."""
        self._totals[env] = episode.total
        self._steps[env] = episode.steps
        self._starts[env] = self._clock() - episode.seconds
