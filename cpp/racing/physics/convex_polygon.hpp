// Convex polygons in float32: hull and mass of Box2D 2.3, bit for bit.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "racing/base/geometry.hpp"

namespace apexline::racing {

struct ConvexPolygon {
  static constexpr int kMaxVertices = 8;

  std::int32_t count = 0;
  std::array<Vec2, kMaxVertices> vertices;  // counter-clockwise, first the rightmost, the lower of equals
};

struct Mass {
  float mass = 0;
  Vec2 centre;
  float inertia = 0;  // about the body's origin
};

// The convex hull of 3 to 8 points that span an area, by gift wrapping (b2PolygonShape::Set); it has no more vertices
// than there are points, whatever they are. The order of the vertices determines the first simplex of the overlap test
// and thereby the last bit of its result.
[[nodiscard]] ConvexPolygon convex_hull(std::span<const Vec2> points) noexcept;

// b2PolygonShape::ComputeMass
[[nodiscard]] Mass mass_of(const ConvexPolygon& polygon, float density) noexcept;

}  // namespace apexline::racing
