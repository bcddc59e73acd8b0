#include "racing/physics/chassis.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "racing/physics/vec2.hpp"

namespace apexline::racing {
namespace {

struct Pixel {
  int x;
  int y;
};

constexpr std::array<Pixel, kNumWheels> kWheelPositions{{{-55, 80}, {55, 80}, {-55, -82}, {55, -82}}};  // WHEELPOS
constexpr std::array<Pixel, 4> kWheelCorners{{{-14, 27}, {14, 27}, {14, -27}, {-14, -27}}};          // WHEEL_POLY
constexpr std::array<Pixel, 4> kHull1{{{-60, 130}, {60, 130}, {60, 110}, {-60, 110}}};               // HULL_POLY1
constexpr std::array<Pixel, 4> kHull2{{{-15, 120}, {15, 120}, {20, 20}, {-20, 20}}};
constexpr std::array<Pixel, 8> kHull3{
    {{25, 20}, {50, -10}, {50, -40}, {20, -90}, {-20, -90}, {-50, -40}, {-50, -10}, {-25, 20}}};
constexpr std::array<Pixel, 4> kHull4{{{-50, -120}, {50, -120}, {50, -90}, {-50, -90}}};

constexpr float kHullDensity = 1.0F;
constexpr float kWheelDensity = 0.1F;

Vec2 in_units(Pixel pixel) noexcept {
  return {static_cast<float>(pixel.x * kSize), static_cast<float>(pixel.y * kSize)};
}

ConvexPolygon shape(std::span<const Pixel> corners) noexcept {
  std::array<Vec2, ConvexPolygon::kMaxVertices> points;
  std::transform(corners.begin(), corners.end(), points.begin(), in_units);
  return convex_hull({points.data(), corners.size()});
}

// b2Body::ResetMassData; Box2D keeps the fixtures of a body last first, and sums in that order.
Body body_of(std::span<const ConvexPolygon> parts, float density) noexcept {
  float mass = 0;
  float inertia = 0;
  Vec2 centre;
  for (std::size_t i = parts.size(); i-- > 0;) {
    const Mass part = mass_of(parts[i], density);
    mass += part.mass;
    centre = centre + part.mass * part.centre;
    inertia += part.inertia;
  }
  Body body;
  body.inverse_mass = 1.0F / mass;
  body.centre_of_mass = body.inverse_mass * centre;
  inertia -= mass * dot(body.centre_of_mass, body.centre_of_mass);
  body.inverse_inertia = 1.0F / inertia;
  return body;
}

Chassis build() noexcept {
  Chassis car;
  car.hull_parts = {shape(kHull1), shape(kHull2), shape(kHull3), shape(kHull4)};
  car.wheel = shape(kWheelCorners);
  car.hull_body = body_of(car.hull_parts, kHullDensity);
  car.wheel_body = body_of({&car.wheel, 1}, kWheelDensity);
  std::transform(kWheelPositions.begin(), kWheelPositions.end(), car.anchors.begin(), in_units);
  car.max_motor_torque = static_cast<float>(180 * 900 * kSize * kSize);
  car.lower_angle = static_cast<float>(-0.4);
  car.upper_angle = static_cast<float>(+0.4);
  return car;
}

}  // namespace

const Chassis& chassis() noexcept {
  static const Chassis car = build();
  return car;
}

Point wheel_offset(std::size_t i) noexcept { return {kWheelPositions[i].x * kSize, kWheelPositions[i].y * kSize}; }

}  // namespace apexline::racing
