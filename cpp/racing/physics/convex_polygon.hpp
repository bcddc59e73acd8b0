// Convex polygons in float32, as Box2D 2.3 builds, weighs and overlaps them; the same bits.
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

// The convex hull of 3 to 8 points that span an area, by gift wrapping (b2PolygonShape::Set). The order of the
// vertices decides where the overlap test starts, and so the last bit of its result.
[[nodiscard]] ConvexPolygon convex_hull(std::span<const Vec2> points) noexcept;

// b2PolygonShape::ComputeMass
[[nodiscard]] Mass mass_of(const ConvexPolygon& polygon, float density) noexcept;

// Whether two polygons touch, each grown by the skin of 0.01 that Box2D gives polygons (b2TestOverlap): their
// distance by GJK (Gilbert, Johnson and Keerthi 1988) in Box2D's order of operations. `fixed` is in world
// coordinates, `moved` is seen through `transform`. Swapping the two gives the same result to the bit.
[[nodiscard]] bool overlaps(const ConvexPolygon& fixed, const ConvexPolygon& moved,
                            const Transform& transform) noexcept;

}  // namespace apexline::racing
