// The memory layout of a frame, and shifts of it.
#pragma once

#include <cstddef>

namespace apexline {

// A frame as planes of height x width items; a shift moves every plane equally.
struct FrameGeometry {
  std::size_t planes;
  std::size_t height;
  std::size_t width;
  std::size_t item_bytes;  // 1, 2, 4 or 8
  [[nodiscard]] std::size_t row_bytes() const noexcept { return width * item_bytes; }
  [[nodiscard]] std::size_t plane_bytes() const noexcept { return height * row_bytes(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return planes * plane_bytes(); }
};

// Offset in pixels of the cropped window from the frame; negative is up and left.
struct Shift {
  int down;
  int right;
  [[nodiscard]] bool none() const noexcept { return down == 0 && right == 0; }
};

}  // namespace apexline
