"""Shaping wrappers on a scripted race."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import pytest

from apexline.racing import (
    IdlePenalty,
    LapTermination,
    MissedTilePenalty,
    Shaping,
    ShapingRules,
    StallTermination,
    UnshapedScore,
)
from apexline.racing.stock.wrappers.lap_progress import LOOK_AHEAD

Env = gym.Env[Any, Any]
Step = list[int]
"""The tiles that the car drives over, in order; its front wheel stays on the last one."""
OFF_FIELD: Step = [-1]
WAIT: Step = []


@dataclass(eq=False)
class Tile:
    idx: int
    road_visited: bool = False


class ScriptedRace(gym.Env[Any, Any]):
    """A road of `length` tiles; an action is a Step.

    As in the stock game the car starts on tiles 0 and 1, a new tile is rewarded (10 here), the last new tile
    terminates, and so does leaving the field, with a reward of -100.
    """

    observation_space = gym.spaces.Discrete(1)
    action_space = gym.spaces.Discrete(1)

    def __init__(self, length: int) -> None:
        self.length = length

    def reset(self, **_: Any) -> Any:
        self.road = [Tile(idx) for idx in range(self.length)]
        self.tile_visited_count = 0
        self.car = SimpleNamespace(wheels=[SimpleNamespace(tiles=set()), SimpleNamespace(tiles=set())])
        self._drive_over([0, 1])
        return 0, {}

    def step(self, action: Step) -> Any:
        if action == OFF_FIELD:
            return 0, -100.0, True, False, {"lap_finished": False}
        before = self.tile_visited_count
        self._drive_over(action)
        finished = self.tile_visited_count == self.length
        reward = 10.0 * (self.tile_visited_count - before)
        return 0, reward, finished, False, {"lap_finished": True} if finished else {}

    def _drive_over(self, tiles: Iterable[int]) -> None:
        front, rear = self.car.wheels
        for idx in tiles:
            self.road[idx].road_visited = True
            rear.tiles = front.tiles
            front.tiles = {self.road[idx]}
        self.tile_visited_count = sum(tile.road_visited for tile in self.road)


def drive(env: Env, *steps: Step) -> list[tuple[float, bool, bool]]:
    """Plays an episode: reward, terminated and truncated of each step."""
    env.reset()
    return [env.step(step)[1:4] for step in steps]


def continuing(*rewards: float) -> list[tuple[float, bool, bool]]:
    return [(reward, False, False) for reward in rewards]


class TestStallTermination:
    def test_ends_as_terminated_with_the_penalty(self) -> None:
        env = StallTermination(ScriptedRace(10), 3, 7.5)
        assert drive(env, WAIT, [0], WAIT) == [*continuing(0, 0), (-7.5, True, False)]

    def test_a_new_tile_starts_the_count_again(self) -> None:
        env = StallTermination(ScriptedRace(10), 3, 7.5)
        assert drive(env, WAIT, WAIT, [2], WAIT, WAIT) == continuing(0, 0, 10, 0, 0)

    def test_an_episode_starts_at_zero(self) -> None:
        env = StallTermination(ScriptedRace(10), 3, 7.5)
        for _ in range(2):
            assert drive(env, WAIT, WAIT) == continuing(0, 0)

    def test_is_named_in_the_info(self) -> None:
        env = StallTermination(ScriptedRace(10), 1, 7.5)
        env.reset()
        assert "ended_by" not in env.step([2])[4]
        assert env.step(WAIT)[4]["ended_by"] == "stall"

    def test_an_end_by_the_game_is_no_stall(self) -> None:
        env = StallTermination(ScriptedRace(10), 1, 7.5)
        env.reset()
        assert env.step(OFF_FIELD)[1:] == (-100, True, False, {"lap_finished": False})


class TestIdlePenalty:
    def test_every_step_without_a_new_tile_is_penalised(self) -> None:
        env = IdlePenalty(ScriptedRace(10), 2)
        assert drive(env, WAIT, [2], [2], [1], [3, 4], WAIT) == continuing(-2, 10, -2, -2, 20, -2)

    def test_each_episode_is_independent(self) -> None:
        env = IdlePenalty(ScriptedRace(10), 2)
        for _ in range(2):
            assert drive(env, [2, 3], WAIT) == continuing(20, -2)

    def test_ends_are_unchanged(self) -> None:
        assert drive(IdlePenalty(ScriptedRace(10), 2), OFF_FIELD) == [(-102, True, False)]


class TestLapTermination:
    def test_a_full_lap_gets_the_bonus_and_ends_as_in_the_game(self) -> None:
        env = LapTermination(ScriptedRace(40), 300)
        assert drive(env, range(20), range(20, 40)) == [*continuing(180), (200 + 300, True, False)]
        assert env.step(WAIT)[4] == {"lap_finished": True}

    def test_returning_to_the_start_with_a_tile_missed_terminates(self) -> None:
        env = LapTermination(ScriptedRace(40), 300)
        nearly = [tile for tile in range(2, 40) if tile != 7]
        assert drive(env, nearly[:19], nearly[19:], [0]) == [*continuing(190, 180), (300, True, False)]
        assert env.step([1])[4]["ended_by"] == "lap_end"

    def test_the_start_counts_within_reach_across_the_line(self) -> None:
        assert drive(LapTermination(ScriptedRace(60), 300), range(25), range(25, 50), [LOOK_AHEAD - 11])[-1][
            1:
        ] == (
            True,
            False,
        )
        assert drive(
            LapTermination(ScriptedRace(60), 300), range(25), range(25, 50), [LOOK_AHEAD - 10]
        ) == continuing(230, 250, 0)

    def test_driving_backwards_over_the_line_is_no_lap(self) -> None:
        env = LapTermination(ScriptedRace(60), 300)
        assert drive(env, [0], [59], [58], [59], [0], [1]) == continuing(0, 10, 10, 0, 0, 0)

    def test_an_end_by_the_game_is_unchanged(self) -> None:
        env = LapTermination(ScriptedRace(40), 300)
        assert drive(env, range(20), OFF_FIELD)[-1] == (-100, True, False)

    def test_leaving_the_field_at_the_start_is_no_lap(self) -> None:
        race = ScriptedRace(40)
        env = LapTermination(race, 300)
        drive(env, range(20), range(20, 38))
        race._drive_over([0])
        assert env.step(OFF_FIELD)[1:4] == (-100, True, False)

    def test_each_episode_starts_at_the_start(self) -> None:
        env = LapTermination(ScriptedRace(40), 300)
        for _ in range(2):
            assert drive(env, range(20), range(20, 39), [1])[-1] == (300, True, False)


class TestMissedTilePenalty:
    def test_a_tile_counts_once_when_it_is_more_than_the_margin_behind(self) -> None:
        env = MissedTilePenalty(ScriptedRace(20), penalty=5, margin=3)
        assert drive(env, [3], [4], [5], [6], [7]) == continuing(10, 10, 10, 10 - 5, 10)

    def test_several_tiles_in_one_step_are_penalised_once(self) -> None:
        env = MissedTilePenalty(ScriptedRace(20), penalty=5, margin=3)
        assert drive(env, [10], [11]) == continuing(10 - 5, 10 - 5)

    def test_no_margin(self) -> None:
        env = MissedTilePenalty(ScriptedRace(20), penalty=5, margin=0)
        assert drive(env, [3], [4]) == continuing(10 - 5, 10)

    def test_returning_in_time_avoids_the_penalty_and_later_refunds_nothing(self) -> None:
        env = MissedTilePenalty(ScriptedRace(20), penalty=5, margin=3)
        assert drive(env, [5], [2], [6]) == continuing(10, 10, 10)
        assert drive(env, [6], [2], [6]) == continuing(10 - 5, 10, 0)

    def test_a_full_lap_without_missed_tiles_has_no_penalty(self) -> None:
        env = MissedTilePenalty(ScriptedRace(30), penalty=5, margin=3)
        assert drive(env, *([tile] for tile in range(2, 29))) == continuing(*[10] * 27)

    def test_driving_backwards_over_the_start_line_has_no_penalty(self) -> None:
        env = MissedTilePenalty(ScriptedRace(60), penalty=5, margin=3)
        backwards = [[0], [59], [58], [57]]
        forwards = [[tile] for tile in range(2, 56)]
        assert drive(env, *backwards, [0], *forwards) == continuing(0, *[10] * 3, 0, *[10] * 54)

    def test_crossing_the_start_line_has_no_penalty(self) -> None:
        env = MissedTilePenalty(ScriptedRace(10), penalty=5, margin=3)
        assert drive(env, range(6), [6], [0], [1, 2]) == continuing(40, 10, 0, 0)

    def test_the_last_tiles_of_the_track_are_checked_up_to_the_margin(self) -> None:
        env = MissedTilePenalty(ScriptedRace(10), penalty=5, margin=3)
        assert drive(env, range(5), [9], [0]) == continuing(30, 10 - 5, 0)

    def test_another_part_of_the_road_is_no_progress(self) -> None:
        env = MissedTilePenalty(ScriptedRace(60), penalty=5, margin=3)
        assert drive(env, [1 + LOOK_AHEAD]) == continuing(10 - 5)
        assert drive(env, [2 + LOOK_AHEAD], [2], [3]) == continuing(10, 10, 10)

    def test_each_episode_is_independent(self) -> None:
        env = MissedTilePenalty(ScriptedRace(20), penalty=5, margin=3)
        for _ in range(2):
            assert drive(env, [3], [6]) == continuing(10, 10 - 5)


class TestShaping:
    ALL = ShapingRules(
        stall_steps=2,
        stall_penalty=7.5,
        idle_penalty=1,
        lap_bonus=300,
        missed_tile_penalty=5,
        missed_tile_margin=3,
    )

    STEPS = ([*range(6)], WAIT, [10], [11], WAIT, WAIT, [*range(12, 20)], [*range(20, 39)], [0])

    @pytest.mark.parametrize(
        ("rules", "alone"),
        [
            (None, lambda race: race),
            (ShapingRules(), lambda race: race),
            (ShapingRules(missed_tile_penalty=5), lambda race: MissedTilePenalty(race, 5, 3)),
            (ShapingRules(lap_bonus=1), lambda race: LapTermination(race, 1)),
            (ShapingRules(lap_bonus=0), lambda race: LapTermination(race, 0)),
            (ShapingRules(idle_penalty=1), lambda race: IdlePenalty(race, 1)),
            (ShapingRules(stall_steps=2), lambda race: StallTermination(race, 2, 10)),
        ],
    )
    def test_each_rule_alone(self, rules: ShapingRules | None, alone: Any) -> None:
        expected = drive(alone(ScriptedRace(40)), *self.STEPS)
        assert drive(Shaping(ScriptedRace(40), rules), *self.STEPS) == expected

    def test_rules_that_change_in_an_episode_continue_its_counts(self) -> None:
        before = ShapingRules(missed_tile_penalty=1)
        env, changed = Shaping(ScriptedRace(40), self.ALL), Shaping(ScriptedRace(40), before)
        env.reset()
        changed.reset()
        for step in ([10], WAIT):
            env.step(step)
            changed.step(step)
        changed.set_rules(self.ALL)
        assert changed.step(WAIT)[1:] == env.step(WAIT)[1:] == (-1 - 7.5, True, False, {"ended_by": "stall"})

    def test_the_end_of_a_lap_is_no_stall(self) -> None:
        env = Shaping(ScriptedRace(40), self.ALL)
        assert drive(env, range(20), range(20, 38), WAIT, [0])[-1] == (300 - 5 - 1, True, False)
        assert drive(env, range(20), range(20, 38), WAIT, [30])[-1] == (-7.5 - 1, True, False)

    def test_the_last_tiles_of_a_lap_are_checked_when_it_ends(self) -> None:
        env = Shaping(ScriptedRace(40), self.ALL)
        assert drive(env, range(20), [25], range(26, 39), [0]) == [
            *continuing(180, 10 - 5, 130 - 5),
            (300 - 5 - 1, True, False),
        ]
        whole = [[*range(20)], [*range(20, 40)]]
        assert drive(env, *whole)[-1] == (200 + 300, True, False)

    def test_the_score_stays_unshaped(self) -> None:
        env = Shaping(UnshapedScore(ScriptedRace(60)), self.ALL)
        env.reset()
        steps = [env.step(step) for step in ([6], WAIT, WAIT)]
        assert [step[1] for step in steps] == [10 - 5, -1, -7.5 - 1]
        assert [step[4]["score"] for step in steps] == [10, 10, 10]
