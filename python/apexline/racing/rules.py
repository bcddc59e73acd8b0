"""Ends of training episodes. `info["ended_by"]` names the rule that ended one: stall, lap_end or full_lap."""

from __future__ import annotations

from typing import Any

from apexline.racing.game import Env, Reset, Step, Wrapper, game_of
from apexline.racing.options import TrainingRules
from apexline.racing.skipped_tiles import SkippedTiles


class FullLap(Wrapper):
    """A lap with every tile visited ends as truncated, where the game says terminated.

    A nearly full lap ends as truncated too (LapEnd), and the value of what would follow is bootstrapped; were
    a full lap terminated, without that value, missing a tile would pay. A car that leaves the playfield stays
    terminated.
    """

    def step(self, action: Any) -> Step:
        observation, reward, terminated, truncated, info = self.env.step(action)
        game = game_of(self)
        if info.get("lap_finished") and game.tile_visited_count == len(game.road):
            return observation, float(reward), False, True, {**info, "ended_by": "full_lap"}
        return observation, float(reward), terminated, truncated, info


class _IdleCount(Wrapper):
    """Counts the decisions in a row without a new tile."""

    def __init__(self, env: Env, decisions: int) -> None:
        super().__init__(env)
        self._decisions = decisions
        self._tiles = 0
        self._idle = 0

    def reset(self, **kwargs: Any) -> Reset:
        result = self.env.reset(**kwargs)
        self._tiles = game_of(self).tile_visited_count
        self._idle = 0
        return result

    def step(self, action: Any) -> Step:
        observation, reward, terminated, truncated, info = self.env.step(action)
        tiles = game_of(self).tile_visited_count
        self._idle = self._idle + 1 if tiles == self._tiles else 0
        self._tiles = tiles
        return observation, float(reward), terminated, truncated, info

    @property
    def _is_over(self) -> bool:
        return self._idle >= self._decisions


class LapEnd(_IdleCount):
    """Once more than `fraction` of the tiles are visited, `decisions` in a row without a new one truncate.

    The lap is over then, and the picture of a visited road no longer predicts reward.
    """

    def __init__(self, env: Env, decisions: int, fraction: float) -> None:
        super().__init__(env, decisions)
        self._fraction = fraction

    def step(self, action: Any) -> Step:
        observation, reward, terminated, truncated, info = super().step(action)
        game = game_of(self)
        nearly_complete = game.tile_visited_count > self._fraction * len(game.road)
        if nearly_complete and self._is_over and not (terminated or truncated):
            return observation, reward, False, True, {**info, "ended_by": "lap_end"}
        return observation, reward, terminated, truncated, info


class StallEnd(_IdleCount):
    """`decisions` in a row without a new tile terminate the episode, at the cost of `penalty`.

    Bounds the time in which the car drives back over visited road, which looks like the road ahead.
    """

    def __init__(self, env: Env, decisions: int, penalty: float) -> None:
        super().__init__(env, decisions)
        self._penalty = penalty

    def step(self, action: Any) -> Step:
        observation, reward, terminated, truncated, info = super().step(action)
        if self._is_over and not (terminated or truncated):
            return observation, reward - self._penalty, True, False, {**info, "ended_by": "stall"}
        return observation, reward, terminated, truncated, info


def add_rules(env: Env, rules: TrainingRules) -> Env:
    """Wraps `env` in the rules that are switched on: SkippedTiles, FullLap, LapEnd, StallEnd.

    In this order an end that the game or LapEnd has called is never a stall.
    """
    if rules.skipped_tile_cost > 0:
        env = SkippedTiles(env, rules.skipped_tile_cost, rules.skipped_tile_margin)
    if rules.full_lap_truncates:
        env = FullLap(env)
    if rules.lap_end_decisions > 0:
        env = LapEnd(env, rules.lap_end_decisions, rules.lap_end_fraction)
    if rules.stall_decisions > 0:
        env = StallEnd(env, rules.stall_decisions, rules.stall_penalty)
    return env
