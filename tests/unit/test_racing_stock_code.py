"""Code as users of CarRacing write it, run with the stock game and the native one: the results are equal."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv

from apexline.racing import CarRacingEnv, CarRacingVectorEnv

from .native_racing import SMALL
from .stock_racing import UndrawnCarRacing, wild_driving

MAKERS: dict[str, Callable[[], Any]] = {
    "stock": UndrawnCarRacing,
    "native": lambda: CarRacingEnv(**SMALL),
}


def pursuit(env: Any) -> Any:
    """A pure-pursuit driver on `car.hull` and `track`."""
    game = env.unwrapped
    hull = game.car.hull
    x, y = hull.position
    near = min(range(len(game.track)), key=lambda i: math.hypot(game.track[i][2] - x, game.track[i][3] - y))
    _, _, to_x, to_y = game.track[(near + 5) % len(game.track)]
    bearing = math.atan2(x - to_x, to_y - y) - hull.angle
    turn = (bearing + math.pi) % (2 * math.pi) - math.pi
    speed = hull.linearVelocity.length
    return np.array([np.clip(-turn, -1, 1), 0.3 if speed < 45 else 0, 0.2 if speed > 60 else 0])


class OffRoadPenalty(gym.Wrapper[Any, Any, Any, Any]):
    """Less reward for each wheel without a tile."""

    def step(self, action: Any) -> Any:
        obs, reward, terminated, truncated, info = self.env.step(action)
        game: Any = self.env.unwrapped
        off = sum(len(wheel.tiles) == 0 for wheel in game.car.wheels)
        return obs, float(reward) - 0.1 * off, terminated, truncated, info


class Progress(gym.Wrapper[Any, Any, Any, Any]):
    """Reward by visited tiles, speed along the car, distance to the middle of the road and slip of the wheels."""

    def step(self, action: Any) -> Any:
        game: Any = self.env.unwrapped
        before = getattr(game, "tile_visited_count", 0), getattr(game, "reward", 0)
        obs, _, terminated, truncated, info = self.env.step(action)
        hull = game.car.hull
        forward = hull.GetWorldVector((0, 1))
        speed = np.dot(hull.linearVelocity, forward)
        middle = np.array([[node[2], node[3]] for node in game.track])
        distance = np.linalg.norm(middle - np.array(hull.position), axis=1).min()
        slip = 0.0
        for (
            wheel
        ) in game.car.wheels:  # since Python 3.12 `sum` rounds Python's floats and NumPy's differently
            slip += abs(wheel.omega * wheel.wheel_rad) - wheel.linearVelocity.length
        drift = hull.position - game.car.wheels[3].position
        reward = (
            (game.tile_visited_count - before[0])
            + (game.reward - before[1])
            + 0.01 * speed
            - 0.1 * distance
            - 0.001 * slip
            + 1e-3 * drift.length
            + 0.1 * hull.angularVelocity
            + abs(game.car.wheels[0].joint.angle)
        )
        return obs, float(reward), terminated, truncated, info


def returns_of(env: Any, act: Callable[[Any], Any], num_steps: int) -> list[float]:
    env.reset(seed=5)
    rewards = []
    for _ in range(num_steps):
        _, reward, terminated, _, _ = env.step(act(env))
        rewards.append(float(reward))
        if terminated:
            break
    return rewards


def on_both(
    act: Callable[[], Callable[[Any], Any]], wrap: Callable[[Any], Any], num_steps: int
) -> list[float]:
    """Runs code with both games, checks that the rewards are equal, and returns them."""
    stock, native = (returns_of(wrap(make()), act(), num_steps) for make in MAKERS.values())
    assert native == stock
    return native


def wildly() -> Callable[[Any], Any]:
    rng = np.random.default_rng(3)
    return lambda _: wild_driving(rng, 1)[0]


def test_a_pursuit_driver_drives_alike():
    rewards = on_both(lambda: pursuit, lambda env: env, 300)
    assert sum(rewards) > 100


def test_a_penalty_of_wheels_off_the_road():
    rewards = on_both(wildly, OffRoadPenalty, 200)
    assert min(rewards) < -0.3


def test_a_reward_of_the_state_of_the_car():
    on_both(wildly, Progress, 150)
    on_both(lambda: pursuit, Progress, 100)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_hasattr_and_getattr_find_the_attributes(make):
    env: Any = make()
    assert (env.car, env.road) == (None, None)
    env.reset(seed=0)
    assert hasattr(env, "car")
    assert hasattr(env.car.wheels[0], "tiles")
    assert "phase" in dir(env.car.wheels[0])
    assert getattr(env.unwrapped, "tile_visited_count", 0) == 2
    assert getattr(env.unwrapped, "no_such_thing", 7) == 7
    assert env.road[1] in env.car.wheels[0].tiles
    assert env.road[1].road_visited
    assert sum(tile.road_visited for tile in env.road) == env.tile_visited_count


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_distance_driven_is_measured_with_copies_of_positions(make):
    env = make()
    env.reset(seed=0)
    driven, last = 0.0, tuple(env.car.hull.position)
    for _ in range(100):
        env.step(np.array([0.0, 0.3, 0.0]))
        driven += math.dist(last, env.car.hull.position)
        last = tuple(env.car.hull.position)
    assert driven == pytest.approx(65.70787744442703, abs=1e-9)


def test_vectors_of_games_call_and_get_attributes_as_sync_vector_env():
    seeds = [3, 4]
    stock = SyncVectorEnv([UndrawnCarRacing, UndrawnCarRacing])
    native = CarRacingVectorEnv(2, **SMALL)
    stock.reset(seed=seeds)
    native.reset(seed=seeds)
    for name in ("tile_visited_count", "reward", "t", "track"):
        assert native.get_attr(name) == stock.get_attr(name)
    for ours, theirs in zip(native.get_attr("car"), stock.get_attr("car"), strict=True):
        assert ours.hull.position == theirs.hull.position
