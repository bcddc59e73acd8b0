"""Ends of training episodes. `info["ended_by"]` names the rule that ended one: stall or lap_end."""

from __future__ import annotations

from typing import Any

from apexline.racing.options import ShapingRules
from apexline.racing.stock.wrappers.lap_progress import Progress
from apexline.racing.stock.wrappers.missed_tiles import MissedTilePenalty
from apexline.racing.types import Env, Reset, Step, Wrapper, game_of


class LapTermination(Wrapper):
    """A lap is over, and pays `bonus`, where the game says so, and where the car has come round to the road's start.

    The stock game ends an episode where every tile is visited; with a tile missed, it goes on for the rest of its 1000
    frames, over a road that pays no more. Here both end as terminated, and pay the same bonus instead of a future that
    no image of a visited road predicts. Were only one of them bootstrapped, missing a tile could pay, or fear of the
    end could; what a missed tile costs is MissedTilePenalty's to say. A fair bonus is about what the road ahead is
    worth in the middle of a lap.
    """

    def __init__(self, env: Env, bonus: float) -> None:
        super().__init__(env)
        self._bonus = bonus

    def reset(self, **kwargs: Any) -> Reset:
        result = self.env.reset(**kwargs)
        self._progress = Progress(game_of(self))
        return result

    def step(self, action: Any) -> Step:
        observation, reward, terminated, truncated, info = self.env.step(action)
        came_round = self._progress.advance(game_of(self))
        if info.get("lap_finished"):
            return observation, float(reward) + self._bonus, terminated, truncated, info
        if came_round and not (terminated or truncated):
            return observation, float(reward) + self._bonus, True, False, {**info, "ended_by": "lap_end"}
        return observation, float(reward), terminated, truncated, info


class IdlePenalty(Wrapper):
    """Takes `cost` from the reward of every step without a new tile.

    The game takes 0.1 a frame from a car that stands as from one that drives. To an agent whose values are discounted,
    that is next to nothing: standing has to cost visibly more than finding back to the road does.
    """

    def __init__(self, env: Env, cost: float) -> None:
        super().__init__(env)
        self._cost = cost

    def reset(self, **kwargs: Any) -> Reset:
        result = self.env.reset(**kwargs)
        self._tiles = game_of(self).tile_visited_count
        return result

    def step(self, action: Any) -> Step:
        observation, reward, terminated, truncated, info = self.env.step(action)
        tiles = game_of(self).tile_visited_count
        is_idle = tiles == self._tiles
        self._tiles = tiles
        return observation, float(reward) - self._cost * is_idle, terminated, truncated, info


class StallTermination(Wrapper):
    """`steps` in a row without a new tile terminate the episode, at the cost of `penalty`."""

    def __init__(self, env: Env, steps: int, penalty: float) -> None:
        super().__init__(env)
        self._steps = steps
        self._penalty = penalty

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
        if self._idle >= self._steps and not (terminated or truncated):
            return observation, float(reward) - self._penalty, True, False, {**info, "ended_by": "stall"}
        return observation, float(reward), terminated, truncated, info


def add_shaping(env: Env, rules: ShapingRules) -> Env:
    """Wraps `env` in the rules that are switched on: LapTermination, MissedTilePenalty, IdlePenalty, StallTermination.

    In this order the last tiles of a lap are judged where it ends, and the end of a lap is never a stall.
    """
    if rules.lap_bonus > 0:
        env = LapTermination(env, rules.lap_bonus)
    if rules.missed_tile_penalty > 0:
        env = MissedTilePenalty(env, rules.missed_tile_penalty, rules.missed_tile_margin)
    if rules.idle_penalty > 0:
        env = IdlePenalty(env, rules.idle_penalty)
    if rules.stall_steps > 0:
        env = StallTermination(env, rules.stall_steps, rules.stall_penalty)
    return env
