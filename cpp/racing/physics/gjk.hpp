// The overlap test of convex polygons of Box2D 2.3 in float32, bit for bit.
#pragma once

#include "racing/physics/convex_polygon.hpp"

namespace apexline::racing {

// Whether two polygons touch, each grown by Box2D's skin of 0.01 units (b2TestOverlap): their distance by GJK (Gilbert,
// Johnson and Keerthi 1988) in Box2D's order of operations. `fixed` is in world coordinates, `moved` is transformed by
// `transform`. Swapping the polygons does not change the result.
[[nodiscard]] bool overlaps(const ConvexPolygon& fixed, const ConvexPolygon& moved,
                            const Transform& transform) noexcept;

}  // namespace apexline::racing
