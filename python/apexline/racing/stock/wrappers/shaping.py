"""Reward shaping and early termination of training episodes, one wrapper per rule.

`info["ended_by"]` names the rule that ended an episode: "stall" or "lap_end". The arguments are attributes, which may
change during an episode; what a rule counts does not depend on them.
"""

from __future__ import annotations

from typing import Any

from apexline.racing.options import RulesLike, ShapingRules, rules_of
from apexline.racing.stock.protocols import game_of
from apexline.racing.stock.wrappers.lap_progress import Progress
from apexline.racing.stock.wrappers.missed_tiles import MissedTilePenalty
from apexline.racing.types import Env, Reset, Step, Wrapper
from apexline.racing.validation import require_integer, require_number


class LapTermination(Wrapper):
    """Adds `bonus` at the end of a lap, and terminates a lap with missed tiles at the start of the road.

    The stock game ends an episode once every tile is visited. With a tile missed it continues for the rest of its 1000
    frames, over a road without rewards. Values of already visited road cannot be predicted from images, so both ways
    of ending a lap terminate, and both get the same bonus in place of future rewards: if only one were bootstrapped,
    missing a tile could be profitable. A suitable bonus is about the value of a state in the middle of a lap. The
    penalty for missed tiles is MissedTilePenalty's.

    Args:
        env: an environment over the stock game.
        bonus: added to the reward of the step that ends the lap; None: off.
    """

    def __init__(self, env: Env, bonus: float | None) -> None:
        super().__init__(env)
        if bonus is not None:
            require_number("bonus", bonus, 0, none="None or ")
        self.bonus = bonus

    def reset(self, **kwargs: Any) -> Reset:
        result = self.env.reset(**kwargs)
        self._progress = Progress(game_of(self))
        return result

    def step(self, action: Any) -> Step:
        observation, reward, terminated, truncated, info = self.env.step(action)
        completed_lap = self._progress.advance(game_of(self))
        if self.bonus is None:
            return observation, float(reward), terminated, truncated, info
        if info.get("lap_finished"):
            return observation, float(reward) + self.bonus, terminated, truncated, info
        if completed_lap and not (terminated or truncated):
            return observation, float(reward) + self.bonus, True, False, {**info, "ended_by": "lap_end"}
        return observation, float(reward), terminated, truncated, info


class IdlePenalty(Wrapper):
    """Subtracts `penalty` from the reward of every step without a new tile.

    The game subtracts 0.1 per frame whether the car drives or stands. Discounted, that is almost nothing: standing must
    cost clearly more than returning to the road.
    """

    def __init__(self, env: Env, penalty: float) -> None:
        super().__init__(env)
        require_number("penalty", penalty, 0)
        self.penalty = penalty

    def reset(self, **kwargs: Any) -> Reset:
        result = self.env.reset(**kwargs)
        self._tiles = game_of(self).tile_visited_count
        return result

    def step(self, action: Any) -> Step:
        observation, reward, terminated, truncated, info = self.env.step(action)
        tiles = game_of(self).tile_visited_count
        is_idle = tiles == self._tiles
        self._tiles = tiles
        return observation, float(reward) - self.penalty * is_idle, terminated, truncated, info


class StallTermination(Wrapper):
    """Terminates an episode after `steps` steps in a row without a new tile, and subtracts `penalty`; None: off."""

    def __init__(self, env: Env, steps: int | None, penalty: float) -> None:
        super().__init__(env)
        if steps is not None:
            require_integer("steps", steps, 1, none="None or ")
        require_number("penalty", penalty, 0)
        self.steps = steps
        self.penalty = penalty

    def reset(self, **kwargs: Any) -> Reset:
        result = self.env.reset(**kwargs)
        self._tiles = game_of(self).tile_visited_count
        self._idle_steps = 0
        return result

    def step(self, action: Any) -> Step:
        observation, reward, terminated, truncated, info = self.env.step(action)
        tiles = game_of(self).tile_visited_count
        self._idle_steps = self._idle_steps + 1 if tiles == self._tiles else 0
        self._tiles = tiles
        has_stalled = self.steps is not None and self._idle_steps >= self.steps
        if has_stalled and not (terminated or truncated):
            return observation, float(reward) - self.penalty, True, False, {**info, "ended_by": "stall"}
        return observation, float(reward), terminated, truncated, info


class Shaping(Wrapper):
    """All rules of a ShapingRules around an environment, with `set_rules` to change them.

    From the inside: LapTermination, MissedTilePenalty, IdlePenalty, StallTermination. In this order the last tiles of a
    lap are checked when it ends, and the end of a lap is never a stall.

    Args:
        env: an environment over the stock game.
        rules: None: none.
    """

    def __init__(self, env: Env, rules: RulesLike) -> None:
        self._lap = LapTermination(env, None)
        self._missed = MissedTilePenalty(self._lap, 0.0, 0)
        self._idle = IdlePenalty(self._missed, 0.0)
        self._stall = StallTermination(self._idle, None, 0.0)
        super().__init__(self._stall)
        self.set_rules(rules)

    def set_rules(self, rules: RulesLike) -> None:
        """Replaces the rules from the next step on; the running episode continues."""
        rules = rules_of(rules) or ShapingRules()
        self._lap.bonus = rules.lap_bonus
        self._missed.penalty, self._missed.margin = rules.missed_tile_penalty, rules.missed_tile_margin
        self._idle.penalty = rules.idle_penalty
        self._stall.steps, self._stall.penalty = rules.stall_steps, rules.stall_penalty
