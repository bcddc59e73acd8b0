#include "racing/physics/chassis.hpp"

#include <algorithm>
#include <span>
#include <vector>

namespace apexline::racing {
namespace {

constexpr std::array<PixelPoint, kNumWheels> kWheelPositions{{{-55, 80}, {55, 80}, {-55, -82}, {55, -82}}};  // WHEELPOS

constexpr float kHullDensity = 1.0F;
constexpr float kWheelDensity = 0.1F;

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
  const float shift = mass * dot(body.centre_of_mass, body.centre_of_mass);
  inertia -= shift;
  body.inverse_inertia = 1.0F / inertia;
  body.mass = mass;
  body.inertia = inertia + shift;  // b2Body::GetInertia, rounded as there
  return body;
}

Chassis build() noexcept {
  Chassis car;
  std::ranges::transform(kHullParts, car.hull_parts.begin(), convex_hull);
  car.wheel = convex_hull(kWheelCorners);
  car.hull_body = body_of(car.hull_parts, kHullDensity);
  car.wheel_body = body_of({&car.wheel, 1}, kWheelDensity);
  std::ranges::transform(kWheelPositions, car.anchors.begin(),
                         [](PixelPoint pixel) { return car_point(pixel.x, pixel.y); });
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
