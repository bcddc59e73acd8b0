// Draws the observation of CarRacing (state_pixels) from a scene, without a 1000x800 surface in between.
//
// The indicators and all flat areas equal the game's bytes. At edges a pixel is the mean of 16 samples, whereas the game
// blends antialiased outlines: the mean difference over an image is below 0.1, at edges a few levels
// (tests/oracle/test_painter.py).
#pragma once

#include <cstdint>
#include <vector>

#include "racing/base/scene.hpp"
#include "racing/render/fast/frame_writer.hpp"
#include "racing/render/fast/indicator_box.hpp"
#include "racing/render/glyphs.hpp"

namespace apexline::racing {

// Not thread-safe: it owns 200 KB of scratch memory. A frame depends on its scene only.
class FastPainter {
 public:
  // Throws std::invalid_argument if the format or the glyphs are invalid.
  FastPainter(const FrameFormat& format, const Glyphs& glyphs);

  [[nodiscard]] const FrameFormat& format() const noexcept { return writer_.format(); }
  // Writes format().bytes() bytes. Allocates only if a scene has more polygons than all before.
  void draw(const Scene& scene, std::uint8_t* out);

 private:
  const RasterKernels& kernels_;
  const IndicatorBox box_;
  FrameWriter writer_;
  std::vector<DisplayPolygon> polygons_;
  Samples samples_;
  Planes planes_{};
};

}  // namespace apexline::racing
