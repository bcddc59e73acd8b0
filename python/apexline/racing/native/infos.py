"""Infos of many games as gymnasium's vector environments give them: arrays by key, and masks by _key.

A mask says which games have a value at all; the others hold zeros, or None. Keys that no game has are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np
import numpy.typing as npt

from apexline.racing.native.arguments import Mask
from apexline.racing.native.games import ENDED_BY, Reports
from apexline.racing.native.state import EpisodeSoFar
from apexline.racing.types import Frame, Info


def running_infos(reports: Reports, mask: Mask) -> Info:
    """score, frames and tiles of the games in `mask`, and repeats of those among them that were stepped."""
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
    """Adds lap_finished and ended_by of the games that have ended, where game or rules say so."""
    is_told = ended & (reports["lap_finished"] >= 0)
    if is_told.any():
        infos["lap_finished"] = is_told & (reports["lap_finished"] == 1)
        infos["_lap_finished"] = is_told
    by_rule = ended & (reports["ended_by"] > 0)
    if by_rule.any():
        infos["ended_by"] = np.where(by_rule, ENDED_BY[reports["ended_by"]], None)
        infos["_ended_by"] = by_rule


def add_finals(infos: Info, frames: Frame, reports: Reports, ended: Mask) -> None:
    """Adds final_obs and final_info of the games that ended and have begun anew in the same step."""
    final_obs = np.full(len(ended), None, object)
    for env in np.flatnonzero(ended):
        final_obs[env] = frames[env].copy()
    final_info = running_infos(reports, ended)
    add_endings(final_info, reports, ended)
    infos.update(final_obs=final_obs, _final_obs=ended, final_info=final_info, _final_info=ended)


class EpisodeStatistics:
    """Return, length and time of episodes, as gymnasium.wrappers.vector.RecordEpisodeStatistics gives them.

    Args:
        num_envs: how many games there are.
        resets_in_step: whether a game that has ended begins anew in the same step, or only in the next.
        clock: tells seconds.
    """

    def __init__(
        self, num_envs: int, *, resets_in_step: bool, clock: Callable[[], float] = perf_counter
    ) -> None:
        self._resets_in_step = resets_in_step
        self._clock = clock
        self._totals = np.zeros(num_envs)
        self._steps = np.zeros(num_envs, np.int64)
        self._starts = np.full(num_envs, clock())

    def begin(self, envs: Mask) -> None:
        """Episodes begin."""
        self._totals[envs] = 0
        self._steps[envs] = 0
        self._starts[envs] = self._clock()

    def count(self, rewards: npt.NDArray[np.float64], was_reset: Mask, ended: Mask, infos: Info) -> None:
        """A step was taken; adds the episodes that it ended to `infos`."""
        self._totals += rewards
        self._steps += 1
        if not self._resets_in_step and was_reset.any():
            self.begin(was_reset)
        if not ended.any():
            return
        infos["episode"] = {
            "r": np.where(ended, self._totals, 0.0),
            "l": np.where(ended, self._steps, 0),
            "t": np.where(ended, np.round(self._clock() - self._starts, 6), 0.0),
        }
        infos["_episode"] = ended
        if self._resets_in_step:
            self.begin(ended)

    def of(self, env: int) -> EpisodeSoFar:
        """A game's running episode."""
        seconds = self._clock() - float(self._starts[env])
        return EpisodeSoFar(float(self._totals[env]), int(self._steps[env]), seconds)

    def put(self, env: int, episode: EpisodeSoFar) -> None:
        """Goes on from there."""
        self._totals[env] = episode.total
        self._steps[env] = episode.steps
        self._starts[env] = self._clock() - episode.seconds
