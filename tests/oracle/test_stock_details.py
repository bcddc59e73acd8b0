"""Details of the stock game that are easy to miss: each occurs in a test and is the same in the core."""

import math
import os

import numpy as np
import pytest

from apexline import _core_testing

from .drivers import lane_follower, nodes_of, random_driver, spinner, view_of
from .lockstep import Lockstep

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
import Box2D
import gymnasium as gym
from gymnasium.envs.box2d import car_dynamics

SKINS = 0.02  # two of b2_polygonRadius, units


def as_action(*values):
    return np.array([values], np.float64)


def frames(lockstep, driver, count):
    """Keeps stepping and yields the report of each frame."""
    nodes = nodes_of(lockstep.games[0])
    for _ in range(count):
        view = view_of(lockstep.games[0], nodes, int(lockstep.frames[0]))
        yield lockstep.step(driver(view)[None])[0]


def tiles_reached(game):
    """From the current positions of the wheels, not those of the last contacts."""
    return sorted(
        tile.idx
        for tile in game.road
        if any(
            Box2D.b2TestOverlap(
                tile.fixtures[0].shape, 0, wheel.fixtures[0].shape, 0, tile.transform, wheel.transform
            )
            for wheel in game.car.wheels
        )
    )


def test_tiles_are_rewarded_a_frame_after_a_wheel_reaches_them():
    lockstep = Lockstep([1])
    game = lockstep.games[0]
    num_late = 0
    reached = tiles_reached(game)
    for report in frames(lockstep, lane_follower, 120):
        assert lockstep.core.track(0)["under_wheels"].tolist() == reached
        before = sum(tile.road_visited for tile in game.road)
        reached = tiles_reached(game)
        num_late += sum(not game.road[tile].road_visited for tile in reached)
        assert before == round(float(report["tiles"]) * len(game.road))
    assert num_late > 10


@pytest.mark.parametrize("seed", range(10))
def test_the_first_reward_is_that_of_two_tiles(seed):
    lockstep = Lockstep([seed])
    assert np.flatnonzero(lockstep.core.track(0)["visited"]).tolist() == [0, 1]
    report = lockstep.step(as_action(0, 0, 0))[0]
    assert report["reward"] == pytest.approx(2000 / len(lockstep.games[0].track) - 0.1, abs=1e-9)
    assert lockstep.step(as_action(0, 0, 0))[0]["reward"] == pytest.approx(-0.1, abs=1e-9)


def test_wheels_spawn_at_unturned_offsets_and_are_pulled_in():
    """The hull moves before the first action, further the more the start of the track is rotated."""
    lockstep = Lockstep(range(20))
    moved = []
    for env, game in enumerate(lockstep.games):
        _, angle, x, y = game.track[0]
        car = car_dynamics.Car(Box2D.b2World((0, 0)), angle, x, y)
        for wheel, (offset_x, offset_y) in zip(car.wheels, car_dynamics.WHEELPOS, strict=True):
            assert tuple(wheel.position) == tuple(
                np.float32([x + offset_x * car_dynamics.SIZE, y + offset_y * car_dynamics.SIZE])
            )
        after = lockstep.core.car(env)
        moved.append((abs(angle), math.hypot(after["x"][4] - x, after["y"][4] - y)))
        joints = np.hypot(after["x"][:4] - after["x"][4], after["y"][:4] - after["y"][4])
        np.testing.assert_allclose(joints, [1.9416, 1.9416, 1.9748, 1.9748], atol=0.01)
    moved.sort()
    assert moved[-1][1] > 2 * moved[0][1]
    assert moved[-1][1] > 1e-3


def test_a_locked_wheel_has_the_friction_of_its_ground():
    """Within a frame, the roll of a locked wheel is limited by the ground's friction: 400, or 240 on grass."""
    lockstep = Lockstep([3])
    seen = {True: 0, False: 0}
    for frame in range(400):
        on_road = lockstep.core.car(0)["on_road"]
        lockstep.step(
            as_action(0 if frame < 60 else 0.3 if frame < 150 else -1, frame % 60 < 50, frame % 60 >= 54)
        )
        car = lockstep.core.car(0)
        locked = frame % 60 >= 54
        for wheel, omega in enumerate(car["omega"]):
            for is_road, limit in ((True, 400), (False, 240)):
                slides = math.isclose(abs(omega), 0.02 * limit * 0.54 / 1.6, rel_tol=0.02)
                seen[is_road] += locked and slides and on_road[wheel] == is_road
    assert min(seen.values()) > 4, seen


def test_no_body_moves_more_than_two_units_a_frame():
    """Checked on a wheel that is locked at high speed; the limit is 100 units per second."""
    lockstep = Lockstep([0])
    fastest = 0.0
    for _ in range(300):
        report = lockstep.step(as_action(0, 1, 0))[0]
        car = lockstep.core.car(0)
        fastest = max(fastest, float(np.hypot(car["velocity_x"], car["velocity_y"]).max()))
        if report["terminated"]:
            break
    assert fastest == pytest.approx(100, abs=1e-3)


def test_a_car_at_rest_sleeps_and_is_woken():
    lockstep = Lockstep([5])
    hull = lockstep.games[0].car.hull
    for action, count in (((0, 1, 0), 30), ((0, 0, 1), 150)):
        for _ in range(count):
            lockstep.step(as_action(*action))
    num_asleep = 0
    for _ in range(80):
        lockstep.step(as_action(0, 0, 1))
        num_asleep += not hull.awake
        if not hull.awake:
            assert not lockstep.core.car(0)["velocity_x"].any()
            assert not lockstep.core.car(0)["spin"].any()
    assert num_asleep > 0
    y = hull.position[1]
    for _ in range(60):
        lockstep.step(as_action(0.2, 1, 0))
    assert abs(hull.position[1] - y) > 1


def test_an_untouched_car_sleeps_repeatedly():
    """The forces of each frame wake it: it sleeps for one frame of about 25, and its sleep timer restarts."""
    lockstep = Lockstep([6])
    asleep = []
    for frame in range(300):
        lockstep.step(as_action(0, 0, 0))
        if not lockstep.games[0].car.hull.awake:
            asleep.append(frame)
    assert len(asleep) > 3


def test_gas_is_clipped_and_ramped_and_other_pedals_are_not():
    lockstep = Lockstep([7])
    for frame in range(30):
        lockstep.step(as_action(0, 3, 0))
        gas = lockstep.core.car(0)["gas"]
        assert gas == pytest.approx(min(0.1 * (frame + 1), 1), abs=1e-12)
    for action, steer, gas, brake in (
        ((2.5, -1, 0), -2.5, 0, 0),
        ((-2.5, 0.05, -0.5), 2.5, 0.05, -0.5),
        ((0.5, 0, 1.7), -0.5, 0, 1.7),
    ):
        for _ in range(20):
            lockstep.step(as_action(*action))
            car = lockstep.core.car(0)
            assert (car["steer"], car["gas"], car["brake"]) == (steer, gas, brake)


@pytest.mark.parametrize(
    ("brake", "locks"), [(0.899999, False), (0.9, True), (float(np.float32(0.9)), False), (1.7, True)]
)
def test_the_brake_locks_from_nine_tenths(brake, locks):
    """The float32 nearest to 0.9 is below it, so a float32 action of 0.9 does not lock."""
    lockstep = Lockstep([8])
    for _ in range(60):
        lockstep.step(as_action(0, 1, 0))
    phase = lockstep.core.car(0)["phase"]
    lockstep.step(as_action(0, 0, brake))
    assert (lockstep.core.car(0)["phase"] == phase).all() == locks


def test_off_the_field_the_reward_is_replaced_and_the_sum_is_not():
    lockstep = Lockstep([0])
    game = lockstep.games[0]
    beyond = np.array([[2000.0, 0.0]])
    for frame in range(600):
        before = game.reward
        gently = lane_follower(view_of(game, beyond, frame)) * np.float32([0.5, 0.2, 1])
        report = lockstep.step(gently[None])[0]
        if report["terminated"]:
            break
    assert report["terminated"]
    assert lockstep.core.car(0)["x"][4] > 2000 / 6
    assert report["lap_finished"] == 0
    assert report["reward"] == -100
    assert game.reward == pytest.approx(before - 0.1, abs=1e-9)
    assert lockstep.core.car(0)["score_on_screen"] == pytest.approx(before, abs=1e-9)


def test_any_part_of_the_car_touches_a_tile():
    """A touched tile gets the colour of the road, even if no wheel has visited it."""
    lockstep = Lockstep([9, 10, 11])
    num_touched_alone = 0
    for frame in range(500):
        lockstep.step(np.float64([[math.sin(frame / 40), 1, 0], [0.3, 1, 0], [-0.3, 0.7, 0]]))
        for env in range(3):
            track = lockstep.core.track(env)
            assert not (track["visited"] & ~track["touched"]).any()
            num_touched_alone += int((track["touched"] & ~track["visited"]).sum())
        for env in range(3):
            if lockstep.is_playing[env] and max(map(abs, lockstep.games[env].car.hull.position)) > 300:
                lockstep.retire(env)
    assert num_touched_alone > 0


def test_an_episode_is_truncated_after_a_thousand_frames():
    lockstep = Lockstep([12])
    limit = gym.spec("CarRacing-v3").max_episode_steps
    for frame in range(1, limit + 1):
        report = lockstep.step(as_action(0, 0, 0))[0]
        assert report["truncated"] == (frame == limit)
        assert not report["terminated"]


def test_discrete_actions_equal_the_stock_game():
    lockstep = Lockstep([13, 14], discrete=True)
    random = np.random.default_rng(0)
    for frame in range(400):
        # Mostly gas; every other action occurs too.
        actions = np.where(random.random(2) < 0.5, 3, random.integers(5, size=2))
        lockstep.step(actions if frame >= 20 else np.array([3, 3]))
        steer = {0: 0.0, 1: -0.6, 2: 0.6, 3: 0.0, 4: 0.0}
        for env in range(2):
            car = lockstep.core.car(env)
            action = int(actions[env]) if frame >= 20 else 3
            assert car["steer"] == steer[action]
            assert car["brake"] == (0.8 if action == 4 else 0)


def test_colours_are_drawn_with_domain_randomize():
    """In the constructor, and at each reset unless its option is False; the track drawn after them shows it."""
    lockstep = Lockstep([15, 16], domain_randomize=True)
    for recolours in (True, False, False, True):
        before = lockstep.core.random_state(1)
        for env in range(2):
            lockstep.begin(env, recolours=recolours)
        random = _core_testing.Pcg64(before)
        if recolours:
            _core_testing.draw_colours(random)
        nodes = _core_testing.create_track(random)[0]
        np.testing.assert_array_equal(nodes, lockstep.core.track(1)["nodes"])
        for _ in range(20):
            lockstep.step(np.float64([[0.2, 1, 0], [-0.2, 1, 0]]))


def test_wild_driving_fills_the_skid_marks():
    """Thirty marks at most, of at most thirty points; on grass and on the road."""
    lockstep = Lockstep([17])
    drivers = (spinner, random_driver(17))
    most, grounds, longest = 0, set(), 0
    for driver in drivers:
        for _ in frames(lockstep, driver, 300):
            lockstep._check_skid_marks(0)
            marks = lockstep.core.skid_marks(0)
            most = max(most, len(marks))
            grounds |= {bool(on_grass) for on_grass, _ in marks}
            longest = max([longest, *(len(points) for _, points in marks)])
    assert most == 30
    assert grounds == {False, True}
    assert longest == 30
