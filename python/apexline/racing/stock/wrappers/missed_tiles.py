"""A price, paid at once, for tiles that the car leaves behind unvisited."""

from __future__ import annotations

from typing import Any

from apexline.racing.stock.wrappers.lap_progress import Progress
from apexline.racing.types import Env, Reset, Step, Wrapper, game_of


class MissedTilePenalty(Wrapper):
    """Takes `cost` from the reward where a step leaves tiles behind unvisited; the game charges only at the end.

    However many they are: a first missed tile costs the game's bonus for a full lap, the others little, and a car that
    finds back to the road far ahead is not to be kept from it. A tile is judged once an episode, when the car's
    progress is more than `margin` tiles past it, or the lap is over; coming back for it later refunds nothing.
    """

    def __init__(self, env: Env, cost: float, margin: int) -> None:
        super().__init__(env)
        self._cost = cost
        self._margin = margin

    def reset(self, **kwargs: Any) -> Reset:
        result = self.env.reset(**kwargs)
        self._progress = Progress(game_of(self))
        self._judged = 0
        return result

    def step(self, action: Any) -> Step:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._progress.advance(game_of(self))
        lap_is_over = info.get("lap_finished") or info.get("ended_by") == "lap_end"
        road = game_of(self).road
        behind = len(road) if lap_is_over else max(self._judged, self._progress.tile - self._margin)
        skipped = any(not tile.road_visited for tile in road[self._judged : behind])
        self._judged = behind
        return observation, float(reward) - self._cost * skipped, terminated, truncated, info
