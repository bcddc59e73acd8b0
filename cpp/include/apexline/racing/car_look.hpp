// What the car is drawn of: car_dynamics.py's outlines, with the corners in the order in which Box2D's b2PolygonShape
// keeps them (from the rightmost, then the lowest, counterclockwise). The order is seen in the picture.
#pragma once

#include <array>
#include <span>

#include "apexline/racing/scene.hpp"

namespace apexline::racing {

struct BodyPoint {
  float x = 0;  // units from the body's origin
  float y = 0;
};

inline constexpr double kCarSize = 0.02;     // SIZE: units a unit of the outlines
inline constexpr double kWheelRadius = 27;   // WHEEL_R
inline constexpr double kWheelHalfWidth = 14;  // WHEEL_W

inline constexpr Rgb kHullColour{204, 0, 0};
inline constexpr Rgb kWheelColour{0, 0, 0};         // WHEEL_COLOR
inline constexpr Rgb kWheelMarkColour{77, 77, 77};  // WHEEL_WHITE

constexpr BodyPoint body_point(double x, double y) noexcept {
  return {static_cast<float>(x * kCarSize), static_cast<float>(y * kCarSize)};
}

inline constexpr std::array<BodyPoint, 4> kWheelOutline{
    body_point(kWheelHalfWidth, -kWheelRadius), body_point(kWheelHalfWidth, kWheelRadius),
    body_point(-kWheelHalfWidth, kWheelRadius), body_point(-kWheelHalfWidth, -kWheelRadius)};

inline constexpr std::array<BodyPoint, 4> kHullFront{body_point(60, 110), body_point(60, 130), body_point(-60, 130),
                                                     body_point(-60, 110)};
inline constexpr std::array<BodyPoint, 4> kHullNose{body_point(20, 20), body_point(15, 120), body_point(-15, 120),
                                                    body_point(-20, 20)};
inline constexpr std::array<BodyPoint, 8> kHullMiddle{body_point(50, -40),  body_point(50, -10),  body_point(25, 20),
                                                      body_point(-25, 20),  body_point(-50, -10), body_point(-50, -40),
                                                      body_point(-20, -90), body_point(20, -90)};
inline constexpr std::array<BodyPoint, 4> kHullRear{body_point(50, -120), body_point(50, -90), body_point(-50, -90),
                                                    body_point(-50, -120)};

// HULL_POLY1 to HULL_POLY4, in painter's order.
inline constexpr std::array<std::span<const BodyPoint>, 4> kHullParts{kHullFront, kHullNose, kHullMiddle, kHullRear};

// Where a point of the body is in the playfield: b2Mul(transform, point), in float32 as there.
[[nodiscard]] constexpr Point in_world(const Pose& pose, BodyPoint point) noexcept {
  return {pose.cosine * point.x - pose.sine * point.y + pose.x, pose.sine * point.x + pose.cosine * point.y + pose.y};
}

}  // namespace apexline::racing
