// Copies one frame into a batch, optionally shifted.
//
// Random shift: the frame is padded by replication of its border and a window of its own size is cut out.
// Source: Kostrikov, Yarats, Fergus, "Image Augmentation Is All You Need" (DrQ), ICLR 2021, section 3.1; here by
// whole pixels.
#pragma once

#include <cstddef>

namespace apexline {

// A frame as planes of height x width items; a shift moves every plane alike.
struct FrameGeometry {
  std::size_t planes;
  std::size_t height;
  std::size_t width;
  std::size_t item_bytes;
  [[nodiscard]] std::size_t bytes() const noexcept { return planes * height * width * item_bytes; }
};

// Pixels by which the cut-out window lies below and to the right of the frame; negative is above and left.
struct Shift {
  int down;
  int right;
};

// target(y, x) = source(clamp(y + down), clamp(x + right)). Writes geometry.bytes().
void copy_shifted(const FrameGeometry& geometry, const std::byte* source, Shift shift, std::byte* target) noexcept;

}  // namespace apexline
