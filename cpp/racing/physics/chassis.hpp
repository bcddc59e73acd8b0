// The constants of the car: shapes, masses and joints, as Box2D computes them from car_dynamics.py.
#pragma once

#include <array>
#include <cstddef>

#include "racing/base/car_shape.hpp"
#include "racing/base/constants.hpp"
#include "racing/base/geometry.hpp"
#include "racing/physics/convex_polygon.hpp"

namespace apexline::racing {

inline constexpr double kEnginePower = 100000000 * kSize * kSize;           // ENGINE_POWER
inline constexpr double kWheelMomentOfInertia = 4000 * kSize * kSize;       // WHEEL_MOMENT_OF_INERTIA
inline constexpr double kFrictionLimit = 1000000 * kSize * kSize;           // FRICTION_LIMIT of a wheel on the road
inline constexpr double kGrassFriction = 0.6;                               // factor of FRICTION_LIMIT off the road
inline constexpr double kSlipStiffness = 205000 * kSize * kSize;            // force per speed of slip
inline constexpr double kBrakeForce = 15;  // BRAKE_FORCE, radians per second per frame

struct Body {
  float inverse_mass = 0;
  float inverse_inertia = 0;  // about the centre of mass
  float mass = 0;
  float inertia = 0;  // about the body's origin
  Vec2 centre_of_mass;  // from the body's origin
};

struct Chassis {
  std::array<ConvexPolygon, kNumHullParts> hull_parts;
  ConvexPolygon wheel;
  Body hull_body;
  Body wheel_body;
  std::array<Vec2, kNumWheels> anchors;  // of the wheels' joints, from the hull's origin

  float max_motor_torque = 0;
  float lower_angle = 0;  // of a joint, radians
  float upper_angle = 0;
};

[[nodiscard]] const Chassis& chassis() noexcept;

// The initial position of wheel `i` from the hull's origin, units. As in car_dynamics.py it is not rotated with the hull.
[[nodiscard]] Point wheel_offset(std::size_t i) noexcept;

}  // namespace apexline::racing
