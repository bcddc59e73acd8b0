// Points, vectors, transforms and colours that physics, game and renderers share.
#pragma once

#include <array>
#include <cstdint>

namespace apexline::racing {

// A point of the playfield or of the surface in float64, as Python computes it.
struct Point {
  double x = 0;
  double y = 0;
};

using Quad = std::array<Point, 4>;

// Column and row of a pixel; may lie outside of the image.
struct PixelPoint {
  std::int32_t x = 0;
  std::int32_t y = 0;
};

struct Rgb {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;

  bool operator==(const Rgb&) const = default;
};

// A vector in float32, with the operations of Box2D's b2Math.h in its order.
struct Vec2 {
  float x = 0;
  float y = 0;
};

inline Vec2 operator+(Vec2 a, Vec2 b) noexcept { return {a.x + b.x, a.y + b.y}; }
inline Vec2 operator-(Vec2 a, Vec2 b) noexcept { return {a.x - b.x, a.y - b.y}; }
inline Vec2 operator-(Vec2 a) noexcept { return {-a.x, -a.y}; }
inline Vec2 operator*(float s, Vec2 a) noexcept { return {s * a.x, s * a.y}; }
inline float dot(Vec2 a, Vec2 b) noexcept { return a.x * b.x + a.y * b.y; }
inline float cross(Vec2 a, Vec2 b) noexcept { return a.x * b.y - a.y * b.x; }

// A rotation followed by a translation (b2Transform).
struct Transform {
  Vec2 position;
  float sine = 0;
  float cosine = 1;
};

[[nodiscard]] inline Vec2 apply(const Transform& transform, Vec2 v) noexcept {
  return {(transform.cosine * v.x - transform.sine * v.y) + transform.position.x,
          (transform.sine * v.x + transform.cosine * v.y) + transform.position.y};
}

}  // namespace apexline::racing
