// Arithmetic of 2D vectors, in the order of operations of Box2D's b2Math.h.
#pragma once

#include "racing/physics/convex_polygon.hpp"

namespace apexline::racing {

inline Vec2 operator+(Vec2 a, Vec2 b) noexcept { return {a.x + b.x, a.y + b.y}; }
inline Vec2 operator-(Vec2 a, Vec2 b) noexcept { return {a.x - b.x, a.y - b.y}; }
inline Vec2 operator-(Vec2 a) noexcept { return {-a.x, -a.y}; }
inline Vec2 operator*(float s, Vec2 a) noexcept { return {s * a.x, s * a.y}; }
inline float dot(Vec2 a, Vec2 b) noexcept { return a.x * b.x + a.y * b.y; }
inline float cross(Vec2 a, Vec2 b) noexcept { return a.x * b.y - a.y * b.x; }

}  // namespace apexline::racing
