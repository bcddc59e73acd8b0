"""The stock game's attributes of the native game: equal to the stock game's, bit for bit, with its types."""

from __future__ import annotations

import gc
import math
import weakref
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from apexline.racing import CarRacingEnv, CarRacingVectorEnv
from apexline.racing.native.stock_view import GameView

from .gymnasium_versions import since_1_4
from .native_racing import SMALL
from .stock_racing import UndrawnCarRacing, wild_driving
from .stock_views import (
    COLORS,
    OPTIONS,
    assert_same,
    assert_same_attributes,
    assert_same_game,
    assert_same_road,
    assert_same_skid_marks,
)

ID = "apexline/CarRacing-v3"


def both(**options: Any) -> tuple[Any, Any]:
    """A native game and a stock one; before the first reset."""
    return CarRacingEnv(**SMALL, **options), UndrawnCarRacing(**options)


def drive(ours: Any, theirs: Any, seed: int, num_steps: int, every: int = 1) -> None:
    """Wild driving, which leaves the road and spins; compares after every `every`th step."""
    rng = np.random.default_rng(seed)
    for step in range(num_steps):
        action = (
            wild_driving(rng, 1)[0] if ours.continuous else int(rng.choice(5, p=[0.1, 0.2, 0.2, 0.4, 0.1]))
        )
        ended = ours.step(action)[2]
        assert theirs.step(action)[2] == ended
        if step % every == 0 or ended:
            assert_same_game(ours, theirs)
        if ended:
            return


@pytest.mark.parametrize("seed", [0, 3, 7])
def test_every_attribute_equals_that_of_the_stock_game(seed):
    ours, theirs = both()
    for episode in range(2):
        ours.reset(seed=seed + episode)
        theirs.reset(seed=seed + episode)
        assert_same_road(ours, theirs)
        assert_same_game(ours, theirs)
        drive(ours, theirs, seed, 250, every=3)
        assert_same_road(ours, theirs)
    assert any(not wheel.tiles for wheel in ours.car.wheels), "the car never left the road"


def test_attributes_of_a_discrete_game():
    ours, theirs = both(continuous=False)
    ours.reset(seed=5)
    theirs.reset(seed=5)
    drive(ours, theirs, 5, 200)


def test_attributes_follow_random_colours():
    ours, theirs = both(domain_randomize=True)
    ours.reset(seed=11)
    theirs.reset(seed=11)
    for options in (None, {"randomize": False}, {"randomize": True}):
        ours.reset(options=options)
        theirs.reset(options=options)
        assert_same_road(ours, theirs)
        drive(ours, theirs, 2, 30)
        assert_same_road(ours, theirs)


@since_1_4("keeps skid marks in a list of objects of another class")
def test_skid_marks_are_the_stock_games_particles():
    ours, theirs = both(render_mode="rgb_array")
    ours.reset(seed=2)
    theirs.reset(seed=2)
    rng = np.random.default_rng(1)
    most = 0
    for _ in range(200):
        action = wild_driving(rng, 1)[0]
        ours.step(action)
        theirs.step(action)
        assert_same_skid_marks(ours.car, theirs.car)
        most = max(most, len(ours.car.particles))
    assert most > 3


def test_before_the_first_reset_the_attributes_are_those_of_the_stock_game():
    ours, theirs = both()
    assert_same_attributes(ours, theirs, ("car", "road", "reward", "prev_reward", "new_lap", "isopen"), "env")
    assert_same_attributes(ours, theirs, (*OPTIONS, *COLORS, "render_mode"), "env")
    for name in ("track", "road_poly", "tile_visited_count", "t", "state", "start_alpha"):
        assert not hasattr(theirs, name)
        assert not hasattr(ours, name)
        with pytest.raises(AttributeError, match=f"`{name}` does not exist before the first reset"):
            getattr(ours, name)


def test_state_is_the_last_observation():
    env = CarRacingEnv()
    first, _ = env.reset(seed=1)
    np.testing.assert_array_equal(env.state, first)
    frame = env.step(np.array([0, 1, 0], np.float32))[0]
    np.testing.assert_array_equal(env.state, frame)
    assert env.state.shape == (96, 96, 3)


def test_objects_that_are_kept_show_the_current_state():
    ours, theirs = both()
    ours.reset(seed=4)
    theirs.reset(seed=4)
    kept = [
        (game.car.hull, game.car.hull.position, game.car.hull.linearVelocity, game.car)
        for game in (ours, theirs)
    ]
    for _ in range(20):
        ours.step(np.array([0.1, 1, 0], np.float32))
        theirs.step(np.array([0.1, 1, 0], np.float32))
    (hull, position, velocity, car), (their_hull, their_position, their_velocity, their_car) = kept
    assert_same(hull.angle, their_hull.angle, "angle")
    assert_same(position, their_position, "position")
    assert_same(velocity, their_velocity, "velocity")
    assert position == ours.car.hull.position
    assert car is ours.car
    assert their_car is theirs.car
    assert ours.road is ours.road
    assert ours.track is ours.track
    assert hull is ours.car.hull


def test_colours_of_road_poly_are_those_of_the_tiles():
    env = CarRacingEnv(**SMALL)
    env.reset(seed=1)
    colors = [color for _, color in env.road_poly if isinstance(color, np.ndarray)]
    assert len(colors) == len(env.road)
    assert all(color is tile.color for color, tile in zip(colors, env.road, strict=True))
    before = colors[10].copy()
    for _ in range(150):
        env.step(np.array([0, 0.2, 0], np.float32))
    _ = env.road_poly
    assert colors[5].tolist() == [102.0] * 3
    assert before.tolist() != colors[10].tolist() or not env.road[10].road_visited


def test_objects_of_an_episode_that_is_over_refuse_to_be_read():
    env = CarRacingEnv(**SMALL)
    env.reset(seed=1)
    car, hull, position = env.car, env.car.hull, env.car.hull.position
    wheel, tile, joint = env.car.wheels[0], env.road[0], env.car.wheels[0].joint
    env.reset(seed=1)
    assert env.car is not car
    assert repr(hull) == "<Hull of an episode that is over>"
    assert repr(env.car.hull).startswith("Hull(position=(")
    reads: list[Any] = [
        lambda: hull.angle,
        lambda: position.x,
        lambda: wheel.omega,
        lambda: wheel.tiles,
        lambda: tile.road_visited,
        lambda: joint.motorSpeed,
        lambda: car.hull.position.x,
    ]
    for read in reads:
        with pytest.raises(RuntimeError, match="episode that is over; read `car` or `road`"):
            read()


def test_objects_outlast_set_state_within_an_episode():
    env = CarRacingEnv(**SMALL)
    env.reset(seed=1)
    hull, road, state = env.car.hull, env.road, env.get_state()
    before = hull.position.copy()
    for _ in range(30):
        env.step(np.array([0, 1, 0], np.float32))
    assert hull.position != before
    env.set_state(state)
    assert hull.position == before
    assert env.road is road
    env.reset()
    env.set_state(state)
    assert env.car.hull.position == before
    with pytest.raises(RuntimeError, match="episode that is over"):
        _ = hull.position.x


def test_a_saved_state_keeps_which_wheel_touches_which_tile():
    env = CarRacingEnv(**SMALL)
    env.reset(seed=6)
    for _ in range(15):
        env.step(np.array([0.6, 0.5, 0], np.float32))
    tiles = [{tile.idx for tile in wheel.tiles} for wheel in env.car.wheels]
    assert len({frozenset(one) for one in tiles}) > 1
    other = CarRacingEnv(**SMALL)
    other.set_state(env.get_state())
    assert [{tile.idx for tile in wheel.tiles} for wheel in other.car.wheels] == tiles


def test_games_of_a_vector_are_viewed_one_by_one():
    envs = CarRacingVectorEnv(3, autoreset_mode="NextStep", max_episode_steps=40, **SMALL)
    stock = [UndrawnCarRacing() for _ in range(3)]
    envs.reset(seed=8)
    for i, game in enumerate(stock):
        game.reset(seed=8 + i)
    views = [GameView(envs._games, i) for i in range(3)]
    cars = [view.car for view in views]
    rng = np.random.default_rng(0)
    for step in range(50):
        actions = wild_driving(rng, 3)
        envs.step(actions)
        for game, action in zip(stock, actions, strict=True):
            if step == 40:
                game.reset()
            else:
                game.step(action)
        for view, game in zip(views, stock, strict=True):
            assert_same_game(view, game)
    assert all(view.car is not car for view, car in zip(views, cars, strict=True))


def test_wrappers_and_get_wrapper_attr_reach_the_attributes():
    env = gym.wrappers.TransformReward(gym.make(ID), lambda reward: reward)
    env.reset(seed=3)
    theirs = UndrawnCarRacing()
    theirs.reset(seed=3)
    game: Any = env.unwrapped
    assert_same_game(game, theirs)
    assert env.get_wrapper_attr("car") is game.car
    assert env.get_wrapper_attr("tile_visited_count") == theirs.tile_visited_count
    assert env.has_wrapper_attr("track")
    assert not env.has_wrapper_attr("world")
    with pytest.raises(AttributeError, match="`car` is read-only"):
        env.set_wrapper_attr("car", None)


def test_stable_baselines3_reads_them_with_get_attr():
    vec_env = pytest.importorskip("stable_baselines3.common.vec_env")
    envs = vec_env.DummyVecEnv([lambda: gym.make(ID)] * 2)
    envs.seed(3)
    envs.reset()
    theirs = UndrawnCarRacing()
    theirs.reset(seed=4)
    car = envs.get_attr("car")[1]
    assert_same(car.hull.position, theirs.car.hull.position, "position")
    assert envs.get_attr("track")[1] == theirs.track
    assert envs.get_attr("tile_visited_count") == [2, theirs.tile_visited_count]


def test_in_a_window_isopen_is_false_after_close(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = CarRacingEnv(render_mode="human", **SMALL)
    env.reset(seed=0)
    assert env.isopen
    env.close()
    assert not env.isopen


def test_cars_are_the_snapshots_of_all_games():
    envs = CarRacingVectorEnv(10, **SMALL)
    envs.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(30):
        reports = envs.step_raw(wild_driving(rng, 10))[1]
    cars = envs.cars()
    assert cars.shape == (10,)
    for i, row in enumerate(cars):
        snapshot = envs.car_snapshot(i)
        assert row.dtype.names == tuple(vars(snapshot))
        for name, value in vars(snapshot).items():
            np.testing.assert_array_equal(row[name], value, err_msg=name)
            dtype, shape = row.dtype[name].base, row.dtype[name].shape
            assert not shape or (value.dtype, value.shape) == (dtype, shape)
        view = GameView(envs._games, i)
        assert [len(wheel.tiles) for wheel in view.car.wheels] == row["wheel_tiles"].tolist()
        assert (row["wheel_tiles"] > 0).tolist() == row["on_road"].tolist()
        assert (row["num_visited"], row["num_tiles"]) == (view.tile_visited_count, len(view.road))
        assert math.isclose(row["num_visited"] / row["num_tiles"], reports["tiles"][i])
        assert (row["reward"], row["seconds"], row["frames"]) == (view.reward, view.t, 30)
        assert (row["x"][4], row["y"][4]) == tuple(view.car.hull.position)


def read_everything(game: Any) -> None:
    _ = game.track, game.road_poly, game.car.wheels[0].tiles, game.car.hull.position.x, game.road[0].color
    _ = (
        game.car.wheels[1].joint.angle,
        game.car.wheels[0].userData,
        game.car.hull.fixtures,
        game.car.hull.transform,
    )


@pytest.mark.parametrize("make", [CarRacingEnv, lambda **options: CarRacingVectorEnv(2, **options)])
def test_an_environment_is_freed_at_once_after_its_attributes_were_read(make):
    env: Any = make(**SMALL)
    env.reset(seed=0)
    read_everything(env if isinstance(env, CarRacingEnv) else env.envs[1])
    games = weakref.ref(env._games)
    gc.collect()
    gc.disable()
    try:
        del env
        assert games() is None
    finally:
        gc.enable()


def test_a_car_outlives_its_environment():
    def car_of_a_new_game() -> Any:
        env = CarRacingEnv(**SMALL)
        env.reset(seed=0)
        return env.car

    car = car_of_a_new_game()
    gc.collect()
    assert car.hull.position.x > 0
    assert abs(car.wheels[0].joint.angle) < 0.1
    assert car.wheels[0].joint.bodyB is car.wheels[0]
    assert {tile.idx for tile in car.wheels[0].tiles} <= {0, 1}
