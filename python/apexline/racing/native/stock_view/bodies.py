"""Bodies of Box2D as the native game has them: position, motion and shape, without forces."""

from __future__ import annotations

from functools import cache
from typing import NoReturn

from apexline import _core
from apexline.racing.native.stock_view.read_only import NO_BOX2D, ReadOnly, without
from apexline.racing.native.stock_view.reader import GameReader
from apexline.racing.native.stock_view.shapes import Fixture, Transform, turned
from apexline.racing.native.stock_view.vectors import LiveVec2, Pair, Vec2, float32, pair_of

HULL = 4
"""Number of the hull's body in the core; 0 to 3 are the wheels."""

Values = tuple[int, float, float, float, float, float, float, float, float, float, float]
"""Episode, x, y, angle, sine, cosine, x and y of the centre of mass, velocity x, velocity y, spin."""

_masses = cache(_core.racing.mass_values)
_shapes = cache(_core.racing.shape_vertices)


@without(
    "ApplyAngularImpulse ApplyForce ApplyForceToCenter ApplyLinearImpulse ApplyTorque ClearUserData CreateChainFixture "
    "CreateCircleFixture CreateEdgeChain CreateEdgeFixture CreateFixture CreateFixturesFromShapes CreateLoopFixture "
    "CreatePolygonFixture DestroyFixture Dump GetMassData ResetMassData awake contacts contacts_gen fixtures_gen "
    "joints joints_gen massData next this thisown world",
    NO_BOX2D,
)
class Body:
    """A body of the game, as Box2D's b2Body: each attribute reads the game's current state.

    Using a body of an episode that is over raises RuntimeError. (Box2D has destroyed it by then.)
    """

    __slots__ = ("_density", "_episode", "_game", "_index")
    active = True
    angularDamping = 0.0
    bullet = False
    fixedRotation = False
    gravityScale = 1.0
    linearDamping = 0.0
    sleepingAllowed = True
    type = 2

    def __init__(self, game: GameReader, episode: int, index: int, density: float) -> None:
        self._game = game
        self._episode = episode
        self._index = index
        self._density = float32(density)

    def __repr__(self) -> str:
        try:
            return f"{type(self).__name__}(position={tuple(self.position)}, angle={self.angle})"
        except RuntimeError:
            return f"<{type(self).__name__} of an episode that is over>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"cannot copy or pickle {self!r}, which reads a running game; copy its numbers")

    def values(self) -> Values:
        """Returns the current state. Raises RuntimeError if the body's episode is over."""
        return self._game.current(self._game.world.body_values(self._game.env, self._index), self._episode)

    def _masses(self) -> tuple[float, float, float, float]:
        return _masses(self._index == HULL)

    def _vertices(self) -> list[list[Pair]]:
        return _shapes(self._index == HULL)

    def _vector(self, first: int) -> LiveVec2:
        def read() -> Pair:
            x, y = self.values()[first : first + 2]
            return x, y

        return LiveVec2(read)

    @ReadOnly
    def position(self) -> Vec2:
        """The body's origin in the world, units; read at each use."""
        return self._vector(1)

    @ReadOnly
    def worldCenter(self) -> Vec2:
        """The centre of mass in the world, units; read at each use."""
        return self._vector(6)

    @ReadOnly
    def linearVelocity(self) -> Vec2:
        """Velocity of the centre of mass, units per second; read at each use."""
        return self._vector(8)

    @ReadOnly
    def angle(self) -> float:
        """Angle in radians: 0 is along +y; increases to the left."""
        return self.values()[3]

    @ReadOnly
    def angularVelocity(self) -> float:
        """Angular velocity, radians per second."""
        return self.values()[10]

    @ReadOnly
    def localCenter(self) -> Vec2:
        """The centre of mass in the body's coordinates."""
        masses = self._masses()
        return LiveVec2(lambda: masses[2:])

    @ReadOnly
    def mass(self) -> float:
        """Mass."""
        return self._masses()[0]

    @ReadOnly
    def inertia(self) -> float:
        """Moment of inertia about the body's origin."""
        return self._masses()[1]

    @ReadOnly
    def transform(self) -> Transform:
        """The transform from the body's to the world's coordinates; read at each use."""
        return Transform(self)

    @ReadOnly
    def fixtures(self) -> list[Fixture]:
        """The shapes of the body."""
        return [Fixture(self, shape, self._density) for shape in self._vertices()]

    @ReadOnly
    def userData(self) -> object:
        """None for the hull; the wheel or tile itself for the others."""
        return None

    def GetWorldVector(self, localVector: object) -> Vec2:
        """Turns a vector from the body's to the world's coordinates."""
        _, _, _, _, sine, cosine, *_ = self.values()
        return Vec2(*turned(sine, cosine, pair_of(localVector)))

    def GetLocalVector(self, worldVector: object) -> Vec2:
        """Turns a vector from the world's to the body's coordinates."""
        _, _, _, _, sine, cosine, *_ = self.values()
        return Vec2(*turned(-sine, cosine, pair_of(worldVector)))

    def GetWorldPoint(self, localPoint: object) -> Vec2:
        """Transforms a point from the body's to the world's coordinates."""
        _, x, y, _, sine, cosine, *_ = self.values()
        along_x, along_y = turned(sine, cosine, pair_of(localPoint))
        return Vec2(along_x + x, along_y + y)

    def GetLocalPoint(self, worldPoint: object) -> Vec2:
        """Transforms a point from the world's to the body's coordinates."""
        _, x, y, _, sine, cosine, *_ = self.values()
        point_x, point_y = pair_of(worldPoint)
        return Vec2(*turned(-sine, cosine, (float32(point_x - x), float32(point_y - y))))

    def GetLinearVelocityFromWorldPoint(self, worldPoint: object) -> Vec2:
        """Returns the velocity of the body's point that is at a point of the world."""
        *_, centre_x, centre_y, velocity_x, velocity_y, spin = self.values()
        x, y = pair_of(worldPoint)
        return Vec2(
            velocity_x + float32(-spin * float32(y - centre_y)),
            velocity_y + float32(spin * float32(x - centre_x)),
        )

    def GetLinearVelocityFromLocalPoint(self, localPoint: object) -> Vec2:
        """Returns the velocity of a point of the body."""
        return self.GetLinearVelocityFromWorldPoint(self.GetWorldPoint(localPoint))
