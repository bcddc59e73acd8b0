"""Fixed tracks, from a seed or as nodes or points, against the stock game on the same track, bit for bit."""

import numpy as np
import pytest

from apexline.racing import CarRacingEnv, GameOptions

from .drivers import lane_follower, nodes_of, random_driver, spinner, view_of
from .lockstep import Lockstep
from .stock_tracks import CarRacing, eight, ellipse, first_track, keep_nodes, keep_seed, wobbly
from .test_tracks import Road, assert_same, stock_road

FRAMES = 200
LINES = {
    "ellipse": ellipse(120, 60, 90),
    "clockwise": ellipse(60, 120, 110)[::-1],
    "small": ellipse(12, 12, 8),
    "short tiles": ellipse(100, 90, 550),
    "eight": eight(150, 160),
    "off centre": ellipse(50, 50, 60) + np.array([-250, 200]),
}


def drive(lockstep, drivers, frames=FRAMES):
    nodes = [nodes_of(game) for game in lockstep.games]
    for _ in range(frames):
        views = map(view_of, lockstep.games, nodes, map(int, lockstep.frames))
        lockstep.step(np.array([driver(view) for driver, view in zip(drivers, views, strict=True)]))


@pytest.mark.parametrize("domain_randomize", [False, True])
def test_a_track_seed_is_the_first_track_of_that_seed_in_every_episode(domain_randomize, monkeypatch):
    """The random stream gives colours only."""
    nodes = first_track(5)
    keep_seed(monkeypatch, 5)
    lockstep = Lockstep([0, 1], track_seed=5, domain_randomize=domain_randomize)
    states = [lockstep.core.random_state(0)]
    for _ in range(2):
        for env in range(2):
            np.testing.assert_array_equal(lockstep.core.track(env)["nodes"], nodes)
            assert lockstep.core.failed_tracks(env) == 0
        drive(lockstep, [lane_follower, spinner], 60)
        for env in range(2):
            lockstep.begin(env)
        states.append(lockstep.core.random_state(0))
    assert (states[0] != states[1]).any() == domain_randomize


def test_the_first_track_of_a_seed_may_need_several_attempts(monkeypatch):
    for seed in range(40, 60):
        nodes = first_track(seed)
        with monkeypatch.context() as patch:
            keep_seed(patch, seed)
            np.testing.assert_array_equal(Lockstep([3], track_seed=seed).core.track(0)["nodes"], nodes)


@pytest.mark.parametrize("seed", [0, 7, 1000])
def test_the_nodes_of_a_stock_track_make_that_track(seed, monkeypatch, tmp_path):
    nodes = first_track(seed)
    keep_seed(monkeypatch, seed)
    for track in (nodes, nodes.tolist(), list(map(tuple, nodes))):
        lockstep = Lockstep([0, 1], track=track)
        tiles = lockstep.core.track(0)
        ours = Road(*(tiles[name] for name in Road.__dataclass_fields__))
        assert_same(ours, stock_road(lockstep.games[0]), f"seed {seed}", tmp_path)
    drive(lockstep, [lane_follower, random_driver(seed)])


@pytest.mark.parametrize("name", LINES)
def test_points_make_a_road_as_the_stock_game_lays_it(name, monkeypatch, tmp_path):
    points = LINES[name]
    nodes = np.array(GameOptions(track=points).track)
    np.testing.assert_array_equal(nodes[:, 2:], points)
    keep_nodes(monkeypatch, nodes)
    lockstep = Lockstep([0, 1, 2], track=points)
    ours = Road(*(lockstep.core.track(0)[field] for field in Road.__dataclass_fields__))
    assert_same(ours, stock_road(lockstep.games[0]), name, tmp_path)
    drive(lockstep, [lane_follower, spinner, random_driver(3)])
    lockstep.begin(0)


def test_headings_are_across_the_line():
    """On a circle: towards its outside if driven counter-clockwise, else towards its centre."""
    for points, side in ((ellipse(80, 80, 100), 1), (ellipse(80, 80, 100)[::-1], -1)):
        alpha, beta, x, y = np.array(GameOptions(track=points).track).T
        np.testing.assert_allclose(np.cos(beta), side * x / 80, atol=1e-12)
        np.testing.assert_allclose(np.sin(beta), side * y / 80, atol=1e-12)
        np.testing.assert_allclose(np.cos(alpha), x / 80, atol=1e-12)
        assert (np.abs(np.diff(beta)) < 0.1).all()


@pytest.mark.parametrize("name", ["eight", "small"])
def test_images_of_an_own_track_equal_the_stock_game(name, monkeypatch):
    points = LINES[name]
    keep_nodes(monkeypatch, GameOptions(track=points).track)
    game, env = CarRacing(render_mode="rgb_array"), CarRacingEnv("rgb_array", track=points)
    game.reset(seed=0)
    env.reset(seed=0)
    action = np.float32([0.05, 0.5, 0])
    for frame in range(80):
        game.step(action)
        env.step(action)
        if frame % 20 == 0:
            np.testing.assert_array_equal(env.render(), game.render())


def test_any_accepted_line_plays_as_in_the_stock_game(monkeypatch):
    """Random closed lines, among them ones with turns that are too sharp, which are refused."""
    num_refused = 0
    for seed in range(40):
        points = wobbly(seed, int(np.random.default_rng(seed).integers(20, 200)))
        try:
            options = GameOptions(track=points)
        except ValueError:
            num_refused += 1
            continue
        with monkeypatch.context() as patch:
            keep_nodes(patch, options.track)
            drive(Lockstep([seed], track=points), [lane_follower], 30)
    assert 5 < num_refused < 35
