#include "racing/game/road.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "racing/physics/gjk.hpp"

namespace apexline::racing {
namespace {

constexpr float kSkins = 0.02F;   // Box2D's skins of two polygons, units
constexpr float kDoubt = 0.005F;  // more than the rounding error of float32 at coordinates up to 400 units

struct Circle {
  Vec2 middle;
  float radius = 0;
};

Circle bounding_circle(const ConvexPolygon& polygon) noexcept {
  Circle circle;
  const auto count = static_cast<std::size_t>(polygon.count);
  for (std::size_t i = 0; i < count; ++i)
    circle.middle = circle.middle + (1.0F / static_cast<float>(polygon.count)) * polygon.vertices[i];
  for (std::size_t i = 0; i < count; ++i) {
    const Vec2 arm = polygon.vertices[i] - circle.middle;
    circle.radius = std::max(circle.radius, std::sqrt(dot(arm, arm)));
  }
  return circle;
}

struct PartCircles {
  Circle wheel;
  std::array<Circle, kNumHullParts> hull_parts;
  float hull_reach = 0;  // largest distance of the hull's corners from its origin, units
};

const PartCircles& part_circles() noexcept {
  static const PartCircles circles = [] {
    const Chassis& car = chassis();
    PartCircles all;
    all.wheel = bounding_circle(car.wheel);
    for (std::size_t i = 0; i < kNumHullParts; ++i) {
      all.hull_parts[i] = bounding_circle(car.hull_parts[i]);
      const Vec2 middle = all.hull_parts[i].middle;
      all.hull_reach = std::max(all.hull_reach, std::sqrt(dot(middle, middle)) + all.hull_parts[i].radius);
    }
    return all;
  }();
  return circles;
}

}  // namespace

void Road::build(const Track& track) {
  const std::size_t count = track.tiles.size();
  tiles_.resize(count);
  middles_x_.resize(count);
  middles_y_.resize(count);
  radii_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::array<Vec2, 4> corners;
    std::transform(track.tiles[i].begin(), track.tiles[i].end(), corners.begin(),
                   [](Point corner) { return Vec2{static_cast<float>(corner.x), static_cast<float>(corner.y)}; });
    Tile& tile = tiles_[i];
    tile.shape = convex_hull(corners);
    const auto vertices = static_cast<std::size_t>(tile.shape.count);
    for (std::size_t j = 0; j < vertices; ++j) {
      const Vec2 from = tile.shape.vertices[j];
      const Vec2 along = tile.shape.vertices[j + 1 < vertices ? j + 1 : 0] - from;
      const float length = std::sqrt(dot(along, along));
      const Vec2 normal{along.y / length, -along.x / length};
      tile.edges[j] = {normal.x, normal.y, dot(normal, from)};
    }
    const Circle circle = bounding_circle(tile.shape);
    middles_x_[i] = circle.middle.x;
    middles_y_[i] = circle.middle.y;
    radii_[i] = circle.radius;
  }
}

bool Road::touches_wheel(std::int32_t tile, const Transform& wheel) const noexcept {
  const Circle& circle = part_circles().wheel;
  return touches(tiles_[static_cast<std::size_t>(tile)], chassis().wheel, circle.radius, apply(wheel, circle.middle),
                 wheel);
}

bool Road::touches_hull(std::int32_t tile, const Transform& hull) const noexcept {
  for (std::size_t i = 0; i < kNumHullParts; ++i) {
    const Circle& circle = part_circles().hull_parts[i];
    if (touches(tiles_[static_cast<std::size_t>(tile)], chassis().hull_parts[i], circle.radius,
                apply(hull, circle.middle), hull))
      return true;
  }
  return false;
}

float Road::reach_of(const CarPose& car) noexcept {
  float reach = part_circles().hull_reach;
  for (const Transform& wheel : car.wheels) {
    const Vec2 arm = wheel.position - car.hull.position;
    reach = std::max(reach, std::sqrt(dot(arm, arm)) + part_circles().wheel.radius);
  }
  return reach + kSkins + kDoubt;
}

bool Road::touches(const Tile& tile, const ConvexPolygon& part, float part_radius, Vec2 part_middle,
                   const Transform& transform) noexcept {
  float furthest_out = -std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < static_cast<std::size_t>(tile.shape.count); ++i)
    furthest_out = std::max(furthest_out, tile.edges[i].distance(part_middle));
  if (furthest_out > part_radius + kSkins + kDoubt) return false;
  if (furthest_out < -kDoubt) return true;
  return overlaps(tile.shape, part, transform);
}

}  // namespace apexline::racing
