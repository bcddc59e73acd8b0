// The game's camera: maps a point of the playfield to its surface of 1000x800 pixels, bit for bit in float64.
//
// Rows are counted from below, as the game draws them; it flips the finished image.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "racing/base/geometry.hpp"
#include "racing/base/scene.hpp"

namespace apexline::racing {

inline constexpr int kSurfaceWidth = 1000;  // WINDOW_W, pixels
inline constexpr int kSurfaceHeight = 800;  // WINDOW_H, pixels
inline constexpr int kIndicatorHeight = 100;  // of the black box below the image, pixels
inline constexpr int kSide = 96;            // STATE_W and STATE_H: of the observation, pixels

// Follows and rotates with the hull; zooms in during the first second.
class Camera {
 public:
  explicit Camera(const Scene& scene) noexcept;

  [[nodiscard]] double zoom() const noexcept { return zoom_; }  // pixels per unit

  [[nodiscard]] Point on_screen(Point world) const noexcept {
    const Point point = turned(world);
    return {point.x * zoom_ + translation_.x, point.y * zoom_ + translation_.y};
  }

 private:
  // pygame's Vector2.rotate_rad, which rotates by exact quarter turns if the angle is within 1e-6 radians of one.
  [[nodiscard]] Point turned(Point point) const noexcept {
    return {cosine_ * point.x - sine_ * point.y, sine_ * point.x + cosine_ * point.y};
  }

  double sine_;
  double cosine_;
  double zoom_;
  Point translation_{};
};

// As Python's int(): rounded towards zero. A value that does not fit into 32 bits becomes the nearest that does.
[[nodiscard]] inline std::int32_t to_pixel(double coordinate) noexcept {
  using Limits = std::numeric_limits<std::int32_t>;
  return static_cast<std::int32_t>(std::clamp<double>(coordinate, Limits::min(), Limits::max()));
}
[[nodiscard]] inline PixelPoint pixel_at(Point on_screen) noexcept {
  return {to_pixel(on_screen.x), to_pixel(on_screen.y)};
}

}  // namespace apexline::racing
