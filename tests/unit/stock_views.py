"""Comparison of the attributes of the stock game with those of a native one: values and types, bit for bit."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

SCALARS = ("tile_visited_count", "reward", "prev_reward", "t", "new_lap", "start_alpha", "isopen")
OPTIONS = ("continuous", "domain_randomize", "lap_complete_percent", "verbose")
COLORS = ("road_color", "bg_color", "grass_color")
VECTORS = ("position", "linearVelocity", "worldCenter", "localCenter")
BODY = (
    *("angle", "angularVelocity", "mass", "inertia", "active", "bullet", "fixedRotation", "sleepingAllowed"),
    *("linearDamping", "angularDamping", "gravityScale", "type"),
)
WHEEL = ("gas", "brake", "steer", "omega", "phase", "wheel_rad", "color")
JOINT = (
    *(
        "angle",
        "speed",
        "motorSpeed",
        "lowerLimit",
        "upperLimit",
        "limits",
        "limitEnabled",
        "motorEnabled",
        "active",
    ),
    *("collideConnected", "type", "userData"),
)
FIXTURE = ("density", "friction", "restitution", "sensor", "type", "userData")
POLYGON = ("vertices", "vertexCount", "radius", "type", "childCount")
BODY_POINTS = (
    *("GetWorldVector", "GetLocalVector", "GetWorldPoint", "GetLocalPoint"),
    *("GetLinearVelocityFromWorldPoint", "GetLinearVelocityFromLocalPoint"),
)


def bits(number: float) -> bytes:
    """The bytes of a number as float64: 0.0 and -0.0 differ."""
    return struct.pack("d", number)


def assert_same(ours: Any, theirs: Any, name: str) -> None:
    """Checks values bit for bit and kinds of types; Box2D's vectors are compared with ours."""
    if type(theirs).__name__ == "b2Vec2":
        assert type(ours.x) is float, name
        assert (bits(ours.x), bits(ours.y)) == (bits(theirs.x), bits(theirs.y)), (name, ours, theirs)
    elif isinstance(theirs, np.ndarray):
        np.testing.assert_array_equal(ours, theirs, err_msg=name, strict=True)
    elif isinstance(theirs, bool | str | None):
        assert ours is theirs or ours == theirs, name
        assert type(ours) is type(theirs), name
    elif isinstance(theirs, list | tuple):
        assert isinstance(ours, type(theirs)), name
        assert len(ours) == len(theirs), name
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other, name)
    elif isinstance(theirs, float):  # NumPy's float64 too, which the stock game has after some operations
        assert isinstance(ours, float), name
        assert bits(ours) == bits(theirs), (name, ours, theirs)
    else:
        assert type(ours) is type(theirs), name
        assert ours == theirs, (name, ours, theirs)


def assert_same_attributes(ours: Any, theirs: Any, names: tuple[str, ...], place: str) -> None:
    for name in names:
        assert_same(getattr(ours, name), getattr(theirs, name), f"{place}.{name}")


def assert_same_body(ours: Any, theirs: Any, place: str) -> None:
    assert_same_attributes(ours, theirs, (*VECTORS, *BODY), place)
    for name in BODY_POINTS:
        for point in ((0, 1), (1.0, 0.0), (0.3, -217.9)):
            assert_same(getattr(ours, name)(point), getattr(theirs, name)(point), f"{place}.{name}")
    for name in ("s", "c", "x_axis", "y_axis"):
        assert_same(
            getattr(ours.transform.q, name), getattr(theirs.transform.q, name), f"{place}.transform.q.{name}"
        )
        assert_same(
            getattr(ours.transform.R, name), getattr(theirs.transform.R, name), f"{place}.transform.R.{name}"
        )
    assert_same(ours.transform.position, theirs.transform.position, f"{place}.transform")
    assert_same(ours.transform * (0.3, 2), theirs.transform * (0.3, 2), f"{place}.transform")
    assert_same(ours.transform.R * (0.3, 2), theirs.transform.R * (0.3, 2), f"{place}.transform.R")
    assert len(ours.fixtures) == len(theirs.fixtures)
    for fixture, other in zip(ours.fixtures, theirs.fixtures, strict=True):
        assert fixture.body is ours
        assert_same_attributes(fixture, other, FIXTURE, f"{place}.fixture")
        assert_same_attributes(fixture.shape, other.shape, POLYGON, f"{place}.shape")


def assert_same_joint(ours: Any, theirs: Any, place: str) -> None:
    assert_same_attributes(ours, theirs, (*JOINT, "anchorA", "anchorB"), place)
    for name in ("GetReactionForce", "GetReactionTorque", "GetMotorTorque"):
        assert_same(getattr(ours, name)(50), getattr(theirs, name)(50), f"{place}.{name}")
    for name in ("GetReferenceAngle", "GetMaxMotorTorque", "GetLocalAnchorA", "GetLocalAnchorB"):
        assert_same(getattr(ours, name)(), getattr(theirs, name)(), f"{place}.{name}")
    assert_same(ours.bodyA.position, theirs.bodyA.position, f"{place}.bodyA")
    assert_same(ours.bodyB.position, theirs.bodyB.position, f"{place}.bodyB")


def assert_same_car(ours: Any, theirs: Any, road: Any) -> None:
    assert_same_body(ours.hull, theirs.hull, "hull")
    assert_same(ours.hull.color, theirs.hull.color, "hull.color")
    assert_same(ours.hull.userData, theirs.hull.userData, "hull.userData")
    assert_same(ours.fuel_spent, theirs.fuel_spent, "fuel_spent")
    assert isinstance(ours.wheels, list)
    assert ours.drawlist == [*ours.wheels, ours.hull]
    assert len(ours.wheels) == len(theirs.wheels) == 4
    for wheel, other in zip(ours.wheels, theirs.wheels, strict=True):
        assert_same_body(wheel, other, "wheel")
        assert_same_attributes(wheel, other, WHEEL, "wheel")
        assert_same_joint(wheel.joint, other.joint, "joint")
        assert wheel.userData is wheel
        assert wheel.joint.bodyA is ours.hull
        assert isinstance(wheel.tiles, set)
        assert {tile.idx for tile in wheel.tiles} == {tile.idx for tile in other.tiles}
        assert all(road[tile.idx] is tile for tile in wheel.tiles)


def assert_same_skid_marks(ours: Any, theirs: Any) -> None:
    assert type(ours.particles) is type(theirs.particles)
    assert ours.particles.maxlen == theirs.particles.maxlen
    for mark, other in zip([*ours.particles], [*theirs.particles], strict=True):
        assert_same_attributes(mark, other, ("color", "poly", "ttl"), "particle")
        assert mark.grass == other.grass
    for wheel, other in zip(ours.wheels, theirs.wheels, strict=True):
        assert_same(wheel.skid_start, other.skid_start, "skid_start")
        assert (wheel.skid_particle is None) == (other.skid_particle is None)
        if other.skid_particle is not None:
            assert_same(wheel.skid_particle.poly, other.skid_particle.poly, "skid_particle")
            assert wheel.skid_particle in ours.particles


def assert_same_road(ours: Any, theirs: Any) -> None:
    """Compares `track`, `road` and `road_poly`."""
    assert_same(ours.track, theirs.track, "track")
    assert all(type(number) is float for node in ours.track for number in node)
    assert isinstance(ours.road, list)
    assert len(ours.road) == len(theirs.road)
    for tile, other in zip(ours.road, theirs.road, strict=True):
        assert_same_attributes(tile, other, ("idx", "road_visited", "road_friction", "color"), "tile")
        assert tile.userData is tile
    for index in (0, 1, len(ours.road) // 2, -1):
        assert_same_body(ours.road[index], theirs.road[index], "tile")
    assert_same(ours.road_poly, theirs.road_poly, "road_poly")
    for (corners, _), (others, _) in zip(ours.road_poly, theirs.road_poly, strict=True):
        types = [[type(number) for number in corner] for corner in corners]
        assert types == [[type(number) for number in corner] for corner in others]


def assert_same_game(ours: Any, theirs: Any) -> None:
    """Compares all but the road, whose colours take a while to compare."""
    assert_same_attributes(ours, theirs, (*SCALARS, *OPTIONS, *COLORS), "env")
    assert_same_car(ours.car, theirs.car, ours.road)
