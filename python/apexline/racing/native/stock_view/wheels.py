"""The wheels of a car and the joints that steer them."""

from __future__ import annotations

import weakref

from apexline.racing.native.stock_view.bodies import Body
from apexline.racing.native.stock_view.particles import WHEEL_COLOR, Particle, particles_of
from apexline.racing.native.stock_view.read_only import NO_BOX2D, ReadOnly, without
from apexline.racing.native.stock_view.reader import GameReader
from apexline.racing.native.stock_view.tiles import Road, Tile
from apexline.racing.native.stock_view.vectors import Vec2, float32

SIZE = 0.02
"""Units per pixel of car_dynamics.py."""
WHEEL_DENSITY = 0.1
WHEEL_ANCHORS = ((-55, +80), (+55, +80), (-55, -82), (+55, -82))
MAX_ANGLE = float32(0.4)
MAX_MOTOR_TORQUE = float32(180 * 900 * SIZE * SIZE)


class WheelBody(Body):
    """The body of a wheel."""

    __slots__ = ()

    @property
    def number(self) -> int:
        """0 front left, 1 front right, 2 rear left, 3 rear right."""
        return self._index

    def joint_values(self) -> tuple[int, float, float, float, float, float]:
        """Returns episode, motor speed and impulses (World.joint_values)."""
        return self._game.current(self._game.world.joint_values(self._game.env, self._index), self._episode)


@without("ClearUserData Dump SetLimits ShiftOrigin getAsType next maxMotorTorque", NO_BOX2D)
class Joint:
    """The joint of a wheel, which steers it, as Box2D's b2RevoluteJoint."""

    __slots__ = ("_body", "_hull", "_wheel")
    active = True
    collideConnected = False
    limitEnabled = True
    limits = (-MAX_ANGLE, MAX_ANGLE)
    lowerLimit = -MAX_ANGLE
    motorEnabled = True
    type = 1
    upperLimit = MAX_ANGLE
    userData = None

    def __init__(self, wheel: Wheel, body: WheelBody, hull: Body) -> None:
        self._wheel = weakref.ref(wheel)  # the wheel refers to the joint
        self._body = body
        self._hull = hull

    @ReadOnly
    def bodyA(self) -> Body:
        """The hull."""
        return self._hull

    @ReadOnly
    def bodyB(self) -> Body:
        """The wheel."""
        return self._wheel() or self._body

    @ReadOnly
    def angle(self) -> float:
        """Angle of the wheel from the hull's, radians."""
        return float32(self._body.angle - self._hull.angle)

    @ReadOnly
    def speed(self) -> float:
        """Speed of the angle, radians per second."""
        return float32(self._body.angularVelocity - self._hull.angularVelocity)

    @ReadOnly
    def motorSpeed(self) -> float:
        """Target of the steering motor in the last frame, radians per second."""
        return self._body.joint_values()[1]

    @ReadOnly
    def anchorA(self) -> Vec2:
        """The anchor on the hull, in the world."""
        return self._hull.GetWorldPoint(self.GetLocalAnchorA())

    @ReadOnly
    def anchorB(self) -> Vec2:
        """The anchor on the wheel, in the world."""
        return self._body.GetWorldPoint((0, 0))

    def GetLocalAnchorA(self) -> Vec2:
        """Returns the anchor in the hull's coordinates."""
        x, y = WHEEL_ANCHORS[self._body.number]
        return Vec2(x * SIZE, y * SIZE)

    def GetLocalAnchorB(self) -> Vec2:
        """Returns the anchor in the wheel's coordinates."""
        return Vec2(0, 0)

    def GetReferenceAngle(self) -> float:
        """Returns the angle at which `angle` is 0."""
        return 0.0

    def GetMaxMotorTorque(self) -> float:
        """Returns the largest torque of the steering motor."""
        return MAX_MOTOR_TORQUE

    def GetReactionForce(self, inv_dt: float) -> Vec2:
        """Returns the force of the joint in the last frame; `inv_dt` is frames per second, 50."""
        _, _, x, y, _, _ = self._body.joint_values()
        return Vec2(x, y) * inv_dt

    def GetReactionTorque(self, inv_dt: float) -> float:
        """Returns the torque of the joint's limit in the last frame; `inv_dt` is frames per second, 50."""
        return float32(float32(inv_dt) * self._body.joint_values()[4])

    def GetMotorTorque(self, inv_dt: float) -> float:
        """Returns the torque of the steering motor in the last frame; `inv_dt` is frames per second, 50."""
        return float32(float32(inv_dt) * self._body.joint_values()[5])


class Wheel(WheelBody):
    """A wheel: a body with the attributes that the stock game adds."""

    __slots__ = ("__weakref__", "_hull", "_joint", "_road")
    color = WHEEL_COLOR
    wheel_rad = 27 * SIZE

    def __init__(self, game: GameReader, episode: int, index: int, hull: Body, road: Road) -> None:
        super().__init__(game, episode, index, WHEEL_DENSITY)
        self._hull = hull
        self._road = road
        self._joint = Joint(self, WheelBody(game, episode, index, WHEEL_DENSITY), hull)

    def _wheel_values(self) -> tuple[int, float, float, float, float, float, bool, int]:
        return self._game.current(self._game.world.wheel_values(self._game.env, self._index), self._episode)

    @ReadOnly
    def joint(self) -> Joint:
        """The joint with the hull."""
        return self._joint

    @ReadOnly
    def userData(self) -> object:
        """The wheel itself."""
        return self

    @ReadOnly
    def steer(self) -> float:
        """Target angle of a front wheel, radians, minus the action; 0 at the rear."""
        if self._index >= 2:
            return 0.0
        steer = self._wheel_values()[1]
        return steer if self._game.games.options.continuous else steer + 0.0  # no -0.0, as the stock game

    @ReadOnly
    def gas(self) -> float:
        """Gas of a rear wheel, 0 to 1; it rises by at most 0.1 per frame. 0 at the front."""
        return self._wheel_values()[2] if self._index >= 2 else 0.0

    @ReadOnly
    def brake(self) -> float:
        """Brake, 0 to 1."""
        return self._wheel_values()[3]

    @ReadOnly
    def omega(self) -> float:
        """Rolling speed, radians per second."""
        return self._wheel_values()[4]

    @ReadOnly
    def phase(self) -> float:
        """Rolling angle, radians."""
        return self._wheel_values()[5]

    @ReadOnly
    def tiles(self) -> set[Tile]:
        """The tiles of `road` that the wheel touches, in a new set; empty off the road."""
        _, tiles = self._game.current(
            self._game.world.wheel_tiles(self._game.env, self._index), self._episode
        )
        return {self._road.tiles[tile] for tile in tiles}

    @ReadOnly
    def skid_start(self) -> Vec2 | None:
        """The wheel's position if it has slid for one frame; else None."""
        self._game.require_skid_marks("skid_start")
        return self.position if self._wheel_values()[6] else None

    @ReadOnly
    def skid_particle(self) -> Particle | None:
        """The skid mark that the wheel draws; else None."""
        self._game.require_skid_marks("skid_particle")
        mark = self._wheel_values()[7]
        if mark < -1:
            raise AttributeError("the native game has dropped this `skid_particle`: 30 newer ones exist")
        return None if mark < 0 else particles_of(self._game)[mark]
