"""An immediate penalty for tiles that the car leaves behind unvisited."""

from __future__ import annotations

from typing import Any

from apexline.racing.stock.protocols import game_of
from apexline.racing.stock.wrappers.lap_progress import Progress, num_ahead
from apexline.racing.types import Env, Reset, Step, Wrapper
from apexline.racing.validation import require_integer, require_number


class MissedTilePenalty(Wrapper):
    """Subtracts `penalty` from the reward of a step that leaves tiles behind unvisited, once however many they are.

    The game itself penalises a missed tile only by the missing end of the lap. The penalty does not grow with the
    number of tiles: the first missed tile costs the game's bonus for a full lap, further ones little, and a car should
    not be kept from returning to the road far ahead. Each tile is checked once per episode, when the car's progress is
    more than `margin` tiles past it or the lap is over; visiting it later refunds nothing.
    """

    def __init__(self, env: Env, penalty: float, margin: int) -> None:
        super().__init__(env)
        require_number("penalty", penalty, 0)
        require_integer("margin", margin, 0)
        self.penalty = penalty
        self.margin = margin

    def reset(self, **kwargs: Any) -> Reset:
        result = self.env.reset(**kwargs)
        self._progress = Progress(game_of(self))
        self._num_checked = 0
        return result

    def step(self, action: Any) -> Step:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._progress.advance(game_of(self))
        lap_is_over = info.get("lap_finished") or info.get("ended_by") == "lap_end"
        game = game_of(self)
        road = sorted(game.road, key=lambda tile: num_ahead(game, tile.idx))
        end = len(road) if lap_is_over else max(self._num_checked, self._progress.tile - self.margin)
        missed = any(not tile.road_visited for tile in road[self._num_checked : end])
        self._num_checked = end
        return observation, float(reward) - self.penalty * missed, terminated, truncated, info
