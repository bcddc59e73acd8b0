"""A price, paid at once, for each tile that the car leaves behind unvisited."""

from __future__ import annotations

from typing import Any

from apexline.racing.game import Env, Reset, Step, Wrapper, game_of

LOOK_AHEAD = 25
"""Tiles, 87 units of road. A longer jump is taken for another part of the road, not for a gap in the drive."""


class SkippedTiles(Wrapper):
    """Takes `cost` from the reward for each tile left behind unvisited; the game charges only at the end.

    Progress is a tile's number. It starts at the car's place, and after each decision it moves on to the
    furthest tile that a wheel touches among the LOOK_AHEAD tiles ahead of it, or stays. A tile is judged once
    an episode, when progress is more than `margin` tiles past it, and costs if it is unvisited then; coming
    back for it later refunds nothing.

    Progress follows the road from tile 0 to the last and never wraps. So driving backwards, also over the
    start line, costs nothing; a car that cuts out more than LOOK_AHEAD tiles is not judged until it is back
    where it left the road; and the last `margin` + 1 tiles of a track never cost.
    """

    def __init__(self, env: Env, cost: float, margin: int) -> None:
        super().__init__(env)
        self._cost = cost
        self._margin = margin
        self._progress = -1
        self._judged = 0

    def reset(self, **kwargs: Any) -> Reset:
        result = self.env.reset(**kwargs)
        self._progress = -1
        self._judged = 0
        self._advance()
        return result

    def step(self, action: Any) -> Step:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._advance()
        fine = self._cost * self._judge()
        return observation, float(reward) - fine, terminated, truncated, info

    def _advance(self) -> None:
        touched = (tile.idx for wheel in game_of(self).car.wheels for tile in wheel.tiles)
        ahead = range(self._progress + 1, self._progress + 1 + LOOK_AHEAD)
        self._progress = max((tile for tile in touched if tile in ahead), default=self._progress)

    def _judge(self) -> int:
        """How many of the tiles that fell behind with this decision are unvisited."""
        behind = max(self._judged, self._progress - self._margin)
        skipped = sum(not tile.road_visited for tile in game_of(self).road[self._judged : behind])
        self._judged = behind
        return skipped
