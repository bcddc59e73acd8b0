#include "racing/physics/convex_polygon.hpp"

#include <cassert>

namespace apexline::racing {

ConvexPolygon convex_hull(std::span<const Vec2> points) noexcept {
  assert(points.size() >= 3 && points.size() <= static_cast<std::size_t>(ConvexPolygon::kMaxVertices));
  std::size_t rightmost = 0;
  for (std::size_t i = 1; i < points.size(); ++i) {
    const Vec2 best = points[rightmost];
    if (points[i].x > best.x || (points[i].x == best.x && points[i].y < best.y)) rightmost = i;
  }

  ConvexPolygon hull;
  std::size_t from = rightmost;
  do {
    hull.vertices[static_cast<std::size_t>(hull.count++)] = points[from];
    std::size_t to = 0;
    for (std::size_t i = 1; i < points.size(); ++i) {
      if (to == from) {
        to = i;
        continue;
      }
      const Vec2 best = points[to] - points[from];
      const Vec2 next = points[i] - points[from];
      const float turn = cross(best, next);
      if (turn < 0.0F || (turn == 0.0F && dot(next, next) > dot(best, best))) to = i;
    }
    from = to;
    // Rounding errors of very distant points could lead around without end.
  } while (from != rightmost && static_cast<std::size_t>(hull.count) < points.size());
  return hull;
}

Mass mass_of(const ConvexPolygon& polygon, float density) noexcept {
  constexpr float kThird = 1.0F / 3.0F;
  const auto count = static_cast<std::size_t>(polygon.count);
  Vec2 mean;
  for (std::size_t i = 0; i < count; ++i) mean = mean + polygon.vertices[i];
  mean = (1.0F / static_cast<float>(polygon.count)) * mean;

  float area = 0;
  float inertia = 0;
  Vec2 centre;
  for (std::size_t i = 0; i < count; ++i) {
    const Vec2 a = polygon.vertices[i] - mean;
    const Vec2 b = polygon.vertices[i + 1 < count ? i + 1 : 0] - mean;
    const float parallelogram = cross(a, b);
    const float triangle = 0.5F * parallelogram;
    area += triangle;
    centre = centre + triangle * kThird * (a + b);
    const float xx = a.x * a.x + b.x * a.x + b.x * b.x;
    const float yy = a.y * a.y + b.y * a.y + b.y * b.y;
    inertia += (0.25F * kThird * parallelogram) * (xx + yy);
  }
  centre = (1.0F / area) * centre;

  Mass mass;
  mass.mass = density * area;
  mass.centre = centre + mean;
  mass.inertia = density * inertia + mass.mass * (dot(mass.centre, mass.centre) - dot(centre, centre));
  return mass;
}

}  // namespace apexline::racing
