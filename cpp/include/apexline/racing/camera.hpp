// Where a point of the playfield is seen on the game's surface of 1000x800 pixels, to the last bit of float64.
//
// Rows are counted from below, as the game draws them: it turns the finished picture upside down.
#pragma once

#include "apexline/racing/canvas.hpp"
#include "apexline/racing/display_list.hpp"
#include "apexline/racing/scene.hpp"

namespace apexline::racing {

// Follows the hull and turns with it; zooms in during the first second.
class Camera {
 public:
  explicit Camera(const Scene& scene) noexcept;

  [[nodiscard]] Point on_screen(Point world) const noexcept;

 private:
  // pygame's Vector2.rotate_rad, which turns by exact quarters where the angle is within 1e-6 radians of one.
  [[nodiscard]] Point turned(Point point) const noexcept;

  double sine_;
  double cosine_;
  double zoom_;  // pixels a unit
  Point translation_{};
};

// As Python's int(): towards zero. What does not fit into 32 bits becomes the nearest that does.
[[nodiscard]] PixelPoint pixel_at(Point on_screen) noexcept;

}  // namespace apexline::racing
