// pygame.transform.smoothscale of a canvas to a smaller image; see racing/render/smoothscale.hpp.
#pragma once

#include <cstdint>
#include <vector>

#include "racing/render/exact/canvas.hpp"
#include "racing/render/smoothscale.hpp"

namespace apexline::racing {

// Scales images of one fixed size to another. Not thread-safe: it owns scratch memory.
class SmoothScaler {
 public:
  // Throws std::invalid_argument unless each side of the result is from 1/256 of the source's side to all of it.
  SmoothScaler(int from_width, int from_height, int to_width, int to_height);

  // Writes (to_height, to_width, 3) bytes, in time proportional to the source. Precondition: the canvas has the
  // source's size.
  void scale(const Canvas& canvas, std::uint8_t* rgb);

 private:
  void scale_rows(const Canvas& canvas);
  void scale_columns(std::uint8_t* rgb);

  ScaledSide width_;
  ScaledSide height_;
  std::vector<ScaleCell> columns_;    // of the outputs of width_
  std::vector<ScaleCell> rows_;       // of the outputs of height_
  std::vector<std::uint8_t> narrow_;  // (from_height, to_width, 3)
};

}  // namespace apexline::racing
