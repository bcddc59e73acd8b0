"""The options start_tile and start_speed against the stock game with its car placed likewise, bit for bit."""

from functools import partial

import numpy as np
import pytest

from apexline.racing import CarRacingVectorEnv, GameOptions, ShapingRules

from ..unit.stock_racing import follow_the_road
from ..unit.test_racing_native_shaping import SMALL, in_lockstep, on_the_road, wild
from .drivers import lane_follower, nodes_of, random_driver, spinner, view_of
from .lockstep import Lockstep, StockGame
from .stock_start import start_at
from .stock_tracks import ellipse, keep_nodes
from .test_track_options import drive


@pytest.mark.parametrize("speed", [0.0, 12.5, 100])
@pytest.mark.parametrize("start", [1, -1, 100, 10**6, "random"])
def test_starts_equal_the_stock_game(start, speed, monkeypatch):
    start_at(monkeypatch, start, speed)
    lockstep = Lockstep([0, 1, 2], start_tile=start, start_speed=speed)
    for env, game in enumerate(lockstep.games):
        assert lockstep.core.track(env)["start_tile"] == game.start_tile
    drive(lockstep, [lane_follower, spinner, random_driver(4)], 80)
    for env in range(3):
        lockstep.begin(env)
    drive(lockstep, [lane_follower, spinner, random_driver(4)], 40)


def test_a_random_start_is_drawn_after_colours_and_track(monkeypatch):
    start_at(monkeypatch, "random", 30)
    lockstep = Lockstep([5, 6], start_tile="random", start_speed=30, domain_randomize=True)
    starts = []
    for _ in range(6):
        drive(lockstep, [lane_follower, spinner], 5)
        for env in range(2):
            lockstep.begin(env)
            starts.append(lockstep.games[env].start_tile)
    assert len({*starts}) > 6


@pytest.mark.parametrize("start", [0, 4, 25])
def test_the_stock_games_lap_rule_applies_at_the_first_visit_of_tile_0(start, monkeypatch):
    """At the start for start tile 0, else near the end of the lap: only if enough tiles are visited by then."""
    start_at(monkeypatch, start, 20)
    stock = partial(StockGame, lap_complete_percent=0.95)
    lockstep = Lockstep([3], start_tile=start, start_speed=20, stock=stock)
    nodes = nodes_of(lockstep.games[0])
    for frame in range(999):
        report = lockstep.step(lane_follower(view_of(lockstep.games[0], nodes, frame))[None])[0]
        if report["terminated"]:
            break
    assert report["lap_finished"] == 1
    assert (report["tiles"] < 1) == (start == 4)


@pytest.mark.parametrize("percent", [0.0, 0.003])
def test_a_lap_of_hardly_any_tile_ends_as_in_the_stock_game(percent):
    """Within the frame of the reset."""
    lockstep = Lockstep(
        [0], stock=partial(StockGame, lap_complete_percent=percent), lap_complete_percent=percent
    )
    assert lockstep.step(np.zeros((1, 3), np.float32))[0]["terminated"]


RULES = {
    "stall": ShapingRules(stall_steps=5, stall_penalty=7.5, idle_penalty=0.5),
    "missed": ShapingRules(missed_tile_penalty=5.0, missed_tile_margin=1),
    "lap": ShapingRules(lap_bonus=300, missed_tile_penalty=2.0),
}


@pytest.mark.parametrize("start", [1, 150, -2, "random"])
@pytest.mark.parametrize("name", RULES)
def test_shaping_is_relative_to_the_start(name, start, monkeypatch):
    start_at(monkeypatch, start)
    in_lockstep(RULES[name], 3, on_the_road(10), steps=70, start_tile=start)
    in_lockstep(RULES[name], 7, wild(7), steps=40, start_tile=start)


@pytest.mark.parametrize(("start", "look_ahead"), [(0, 8), (1, 9), (150, 8), (-2, 8)])
def test_a_lap_with_tiles_missed_is_complete_at_the_start_tile(start, look_ahead, monkeypatch):
    start_at(monkeypatch, start)
    rules = ShapingRules(lap_bonus=300, missed_tile_penalty=2.0)
    ends = in_lockstep(rules, 3, on_the_road(look_ahead), steps=260, num_envs=1, start_tile=start)
    assert ends == ["lap_end"]


def test_no_tile_is_missed_behind_the_start():
    """The tiles from 0 to the start are ahead."""
    free, penalised = (
        CarRacingVectorEnv(1, action_repeat=4, start_tile=200, rules=rules, **SMALL)
        for rules in (None, ShapingRules(missed_tile_penalty=50))
    )
    free.reset(seed=3)
    penalised.reset(seed=3)
    for _ in range(60):
        actions = follow_the_road(free.track_snapshot(0), free.car_snapshot(0), 5)[None]
        assert free.step(actions)[1] == penalised.step(actions)[1]
    assert free.track_snapshot(0).visited.sum() > 50


def slowly(env):
    drive = follow_the_road(env.track_snapshot(0), env.car_snapshot(0), 2)
    return drive[None] * np.float32([1, 0.3, 1])


@pytest.mark.parametrize("count", [8, 20, 26])
def test_a_short_track_is_no_lap_at_the_start(count, monkeypatch):
    """Fewer tiles than the rules look ahead."""
    line = ellipse(12, 12, count) if count == 8 else ellipse(20, 20, count)
    keep_nodes(monkeypatch, np.array(GameOptions(track=line).track))
    start_at(monkeypatch, 3)
    rules = ShapingRules(lap_bonus=300, missed_tile_penalty=2.0, missed_tile_margin=1)
    assert not in_lockstep(rules, 3, slowly, steps=5, num_envs=1, track=line, start_tile=3)
    ends = in_lockstep(rules, 3, slowly, steps=120, num_envs=1, track=line, start_tile=3)
    assert ends[0] in (None, "lap_end")


def test_a_state_holds_the_start_tile():
    """Restored into an environment that starts elsewhere, with penalties for tiles missed since that start."""
    rules = ShapingRules(missed_tile_penalty=50, lap_bonus=10)
    options = {"action_repeat": 4, "rules": rules, **SMALL}
    env, other = (CarRacingVectorEnv(1, start_tile=start, **options) for start in (90, 0))
    env.reset(seed=3)
    other.reset(seed=4)
    driver = on_the_road(14)
    for _ in range(20):
        env.step(driver(env))
    other.set_state(env.get_state())
    assert other.track_snapshot(0).start_tile == 90
    for _ in range(60):
        actions = driver(env)
        ours, theirs = other.step(actions), env.step(actions)
        for mine, its in zip(ours[:4], theirs[:4], strict=True):
            np.testing.assert_array_equal(mine, its)
    assert other.get_state() == env.get_state()
