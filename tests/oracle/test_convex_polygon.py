"""Convex polygons equal Box2D's, bit for bit: corners, mass and overlap."""

import math
import os

import numpy as np
import pytest

from apexline import _core_testing

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
import Box2D
from gymnasium.envs.box2d import car_dynamics

SIZE = car_dynamics.SIZE
WHEEL = [(-14, 27), (14, 27), (14, -27), (-14, -27)]
PARTS = [
    [(x * SIZE, y * SIZE) for x, y in polygon]
    for polygon in (
        car_dynamics.HULL_POLY1,
        car_dynamics.HULL_POLY2,
        car_dynamics.HULL_POLY3,
        car_dynamics.HULL_POLY4,
        WHEEL,
    )
]


def random_polygon(random):
    """Corners on an ellipse, far enough apart that Box2D does not merge them."""
    while True:
        angles = random.uniform(0, 2 * math.pi, random.integers(3, 9))
        corners = np.float32(random.uniform(0.3, 3, 2) * np.column_stack([np.cos(angles), np.sin(angles)]))
        gaps = np.linalg.norm(corners[:, None] - corners, axis=2) + 9 * np.eye(len(corners))
        (ax, ay), (bx, by), (cx, cy) = corners[:3]
        if gaps.min() > 0.06 and abs((bx - ax) * (cy - ay) - (by - ay) * (cx - ax)) > 0.01:
            return corners


def random_tile(random):
    """Like a tile of the road, far from the origin."""
    turn, middle = random.uniform(0, 2 * math.pi), random.uniform(-300, 300, 2)
    corners = []
    for along, across in ((1.75, -6.67), (1.75, 6.67), (-1.75, 6.67), (-1.75, -6.67)):
        bend = turn + (random.uniform(-0.3, 0.3) if along > 0 else 0)
        corners.append(
            middle
            + along * np.array([-math.sin(turn), math.cos(turn)])
            + across * np.array([math.cos(bend), math.sin(bend)])
        )
    return np.float32(corners)


def shape_of(corners):
    return Box2D.b2PolygonShape(vertices=[tuple(map(float, corner)) for corner in corners])


def transform_of(position, angle):
    transform = Box2D.b2Transform()
    transform.Set(tuple(map(float, position)), float(angle))
    return transform


def both_say(fixed, moved, position, angle):
    """Returns whether the two overlap, after checking that the core and Box2D agree."""
    transform = transform_of(position, angle)
    theirs = Box2D.b2TestOverlap(shape_of(fixed), 0, shape_of(moved), 0, transform_of((0, 0), 0), transform)
    ours = _core_testing.polygons_overlap(
        fixed, moved, transform.position.x, transform.position.y, transform.q.s, transform.q.c
    )
    assert ours == theirs, f"{fixed.tolist()} and {moved.tolist()} at {tuple(position)} turned by {angle}"
    return ours


def edge_of_touching(fixed, moved, outside, inside, angle):
    """Two adjacent float32 positions between which the result changes, if it does; both are compared."""
    assert not both_say(fixed, moved, outside, angle)
    if not both_say(fixed, moved, inside, angle):
        return None
    while True:
        between = np.float32((outside + inside) / 2)
        if (between == outside).all() or (between == inside).all():
            return outside, inside
        if both_say(fixed, moved, between, angle):
            inside = between
        else:
            outside = between


def test_corners_and_masses_equal_box2d():
    random = np.random.default_rng(0)
    polygons = [np.float32(part) for part in PARTS]
    polygons += [random_polygon(random) for _ in range(1000)] + [random_tile(random) for _ in range(300)]
    for corners in polygons:
        shape = shape_of(corners)
        np.testing.assert_array_equal(_core_testing.convex_hull(corners), np.float32(shape.vertices))
        data = shape.getMass(0.7)
        ours = np.float32(_core_testing.polygon_mass(corners, 0.7))
        np.testing.assert_array_equal(ours, np.float32([data.mass, *data.center, data.I]))


def test_the_hulls_centre_of_mass_is_not_its_origin():
    car = car_dynamics.Car(Box2D.b2World((0, 0)), 0, 0, 0)
    parts = np.array([_core_testing.polygon_mass(part, 1) for part in PARTS[:4]])
    mass = parts[:, 0].sum()
    assert car.hull.mass == pytest.approx(mass, rel=1e-6)
    assert car.hull.localCenter[1] == pytest.approx((parts[:, 0] * parts[:, 2]).sum() / mass, abs=1e-6)
    assert car.hull.localCenter[1] < -0.01


def test_polygons_anywhere_overlap_as_in_box2d():
    random = np.random.default_rng(1)
    num_touching = 0
    for _ in range(4000):
        fixed, moved = random_polygon(random), random_polygon(random)
        num_touching += both_say(fixed, moved, random.uniform(-4, 4, 2), random.uniform(-9, 9))
    assert 1000 < num_touching < 3500


def test_polygons_at_grazing_distance_overlap_as_in_box2d():
    """Bisected to the distance where the result changes, so that the last bits decide."""
    random = np.random.default_rng(2)
    for _ in range(300):
        fixed, moved = random_polygon(random), random_polygon(random)
        way = random.uniform(0, 2 * math.pi)
        outside = np.float32([8 * math.cos(way), 8 * math.sin(way)])
        edge_of_touching(fixed, moved, outside, np.float32([0, 0]), random.uniform(-9, 9))


@pytest.mark.parametrize("part", range(len(PARTS)))
def test_parts_of_the_car_overlap_tiles_as_in_box2d(part):
    random = np.random.default_rng(3 + part)
    moved = np.float32(PARTS[part])
    for _ in range(80):
        tile = random_tile(random)
        way, angle = random.uniform(0, 2 * math.pi, 2)
        x, y = moved.mean(0)
        arm = [math.cos(angle) * x - math.sin(angle) * y, math.sin(angle) * x + math.cos(angle) * y]
        inside = np.float32(tile.mean(0) - arm)
        outside = np.float32(inside + 14 * np.array([math.cos(way), math.sin(way)]))
        edge = edge_of_touching(tile, moved, outside, inside, angle)
        assert edge is not None


def test_contacts_of_a_world_begin_at_two_skins():
    """b2TestOverlap agrees with the game's contact listener: a sensor and a wheel next to it."""
    tile, wheel = [(0, 0), (3, 0), (3, 3), (0, 3)], PARTS[4]
    seen = set()
    for gap in (0, 0.01, 0.0199, 0.01999, 0.019999, 0.02, 0.020001, 0.02001, 0.0201, 0.03):
        world = Box2D.b2World((0, 0))
        road = world.CreateStaticBody(fixtures=Box2D.b2FixtureDef(shape=shape_of(tile), isSensor=True))
        x = np.float32(3 + 14 * SIZE + gap)
        world.CreateDynamicBody(
            position=(float(x), 1), fixtures=Box2D.b2FixtureDef(shape=shape_of(wheel), density=0.1)
        )
        world.Step(0.02, 1, 1)
        touching = any(edge.contact.touching for edge in road.contacts)
        assert _core_testing.polygons_overlap(tile, wheel, x, 1, 0, 1) == touching
        assert touching == (gap < 0.02) or abs(gap - 0.02) < 1e-5
        seen.add(touching)
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([(0, 0), (1, 0)], r"points has shape \(2, 2\); expected \(3, 2\) to \(8, 2\)"),
        ([0, 1, 2], r"points has shape \(3,\)"),
        ([(0, 0), (1, 1), (2, 2)], "points spans no area"),
    ],
)
def test_invalid_points_are_named(points, message):
    with pytest.raises(ValueError, match=message):
        _core_testing.convex_hull(points)
