"""Shapes and transforms of bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apexline.racing.native.stock_view.read_only import NO_BOX2D, ReadOnly, without
from apexline.racing.native.stock_view.vectors import Pair, Vec2, float32, pair_of

if TYPE_CHECKING:
    from apexline.racing.native.stock_view.bodies import Body


def turned(sine: float, cosine: float, vector: Pair) -> Pair:
    """Returns a vector turned by an angle, in float32."""
    x, y = vector
    return (
        float32(float32(cosine * x) - float32(sine * y)),
        float32(float32(sine * x) + float32(cosine * y)),
    )


@without("SetIdentity angle", NO_BOX2D)
class Rotation:
    """A copy of a body's rotation, as Box2D's b2Rot."""

    __slots__ = ("c", "s")

    def __init__(self, sine: float, cosine: float) -> None:
        self.s = sine
        self.c = cosine

    @property
    def x_axis(self) -> Vec2:
        """The body's x axis in the world."""
        return Vec2(self.c, self.s)

    @property
    def y_axis(self) -> Vec2:
        """The body's y axis in the world."""
        return Vec2(-self.s, self.c)

    def GetXAxis(self) -> Vec2:
        """Returns the body's x axis in the world."""
        return self.x_axis

    def GetYAxis(self) -> Vec2:
        """Returns the body's y axis in the world."""
        return self.y_axis

    def __mul__(self, vector: object) -> Vec2:
        return Vec2(*turned(self.s, self.c, pair_of(vector)))


@without("Set SetIdentity angle", NO_BOX2D)
class Transform:
    """The transform from a body's to the world's coordinates, as Box2D's b2Transform: read at each use."""

    __slots__ = ("_body",)

    def __init__(self, body: Body) -> None:
        self._body = body

    @property
    def position(self) -> Vec2:
        """The body's origin."""
        return self._body.position

    @property
    def q(self) -> Rotation:
        """The rotation."""
        _, _, _, _, sine, cosine, *_ = self._body.values()
        return Rotation(sine, cosine)

    R = q

    def __mul__(self, point: object) -> Vec2:
        return self._body.GetWorldPoint(point)


@without(
    "RayCast SetAsBox TestPoint Validate box centroid e_chain e_circle e_edge e_polygon e_typeCount "
    "getAABB getAsType getMass normals set_vertex valid",
    NO_BOX2D,
)
class Polygon:
    """The shape of a fixture, as Box2D's b2PolygonShape."""

    __slots__ = ("_vertices",)
    childCount = 1
    radius = float32(0.01)
    type = 2

    def __init__(self, vertices: list[Pair]) -> None:
        self._vertices = vertices

    @property
    def vertices(self) -> list[Pair]:
        """Vertices in the body's coordinates, in Box2D's order."""
        return list(self._vertices)

    @property
    def vertexCount(self) -> int:
        """Number of vertices."""
        return len(self._vertices)


@without("ClearUserData Dump GetAABB RayCast Refilter TestPoint filterData massData next", NO_BOX2D)
class Fixture:
    """A shape of a body, as Box2D's b2Fixture."""

    __slots__ = ("_body", "_density", "_sensor", "_shape")
    friction = float32(0.2)
    restitution = 0.0
    type = 2
    userData = None

    def __init__(self, body: Body, vertices: list[Pair], density: float, *, sensor: bool = False) -> None:
        self._body = body
        self._shape = Polygon(vertices)
        self._density = density
        self._sensor = sensor

    @ReadOnly
    def body(self) -> Body:
        """The body."""
        return self._body

    @ReadOnly
    def shape(self) -> Polygon:
        """The polygon."""
        return self._shape

    @ReadOnly
    def density(self) -> float:
        """Mass per area."""
        return self._density

    @ReadOnly
    def sensor(self) -> bool:
        """Whether the fixture only detects contacts."""
        return self._sensor
