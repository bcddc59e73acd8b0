// The outlines of the car's parts, as in car_dynamics.py; physics and renderers use the same corners.
//
// Corners are in units from the origin of the hull or wheel, in the order of b2PolygonShape: counter-clockwise, first
// the rightmost, the lower of two equals. The order is visible in the images.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "racing/base/geometry.hpp"

namespace apexline::racing {

// The unit of car_dynamics.py: lengths are given in pixels, and a pixel is 0.02 units.
inline constexpr double kSize = 0.02;                // SIZE
inline constexpr double kWheelRadius = 27 * kSize;     // WHEEL_R, units
inline constexpr double kWheelHalfWidth = 14 * kSize;  // WHEEL_W, units

// A length of car_dynamics.py in units.
constexpr Vec2 car_point(int x, int y) noexcept {
  return {static_cast<float>(x * kSize), static_cast<float>(y * kSize)};
}

inline constexpr std::array<Vec2, 4> kWheelCorners{car_point(14, -27), car_point(14, 27), car_point(-14, 27),
                                                   car_point(-14, -27)};  // WHEEL_POLY

inline constexpr std::array<Vec2, 4> kFrontWing{car_point(60, 110), car_point(60, 130), car_point(-60, 130),
                                                car_point(-60, 110)};  // HULL_POLY1
inline constexpr std::array<Vec2, 4> kNose{car_point(20, 20), car_point(15, 120), car_point(-15, 120),
                                           car_point(-20, 20)};  // HULL_POLY2
inline constexpr std::array<Vec2, 8> kBodywork{car_point(50, -40),  car_point(50, -10),  car_point(25, 20),
                                               car_point(-25, 20),  car_point(-50, -10), car_point(-50, -40),
                                               car_point(-20, -90), car_point(20, -90)};  // HULL_POLY3
inline constexpr std::array<Vec2, 4> kRearWing{car_point(50, -120), car_point(50, -90), car_point(-50, -90),
                                               car_point(-50, -120)};  // HULL_POLY4

inline constexpr std::size_t kNumHullParts = 4;
inline constexpr std::array<std::span<const Vec2>, kNumHullParts> kHullParts{kFrontWing, kNose, kBodywork, kRearWing};

}  // namespace apexline::racing
