// Draws the observation of CarRacing (state_pixels) from a scene, without a 1000x800 surface in between.
//
// The box of the indicators and every flat area are the game's bytes. At edges a pixel is the mean of 16 samples where
// the game blends antialiased outlines: over whole images the values are off by less than 0.1 on average, those at
// edges by a few levels (tests/oracle/test_painter.py).
#pragma once

#include <cstdint>
#include <vector>

#include "racing/base/scene.hpp"
#include "racing/render/fast/frame_format.hpp"
#include "racing/render/fast/indicator_box.hpp"
#include "racing/render/glyphs.hpp"

namespace apexline::racing {

// Not for two threads at a time: it owns scratch memory, 200 KB. A frame depends on its scene alone.
class Painter {
 public:
  // Throws std::invalid_argument where the format or the glyphs are.
  Painter(const FrameFormat& format, const Glyphs& glyphs);

  [[nodiscard]] const FrameFormat& format() const noexcept { return writer_.format(); }
  // Writes format().bytes() bytes. Allocates only where a scene has more polygons than any before.
  void draw(const Scene& scene, std::uint8_t* out);

 private:
  const RasterKernels& kernels_;
  const IndicatorBox box_;
  FrameWriter writer_;
  std::vector<Polygon> polygons_;
  Samples samples_;
  Planes planes_{};
};

}  // namespace apexline::racing
