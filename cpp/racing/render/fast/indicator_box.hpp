// The black box of the indicators, rows 84 to 95 of the observation, without a surface in between.
#pragma once

#include <cstdint>

#include "racing/render/fast/kernels/raster_kernels.hpp"
#include "racing/render/fast/score_columns.hpp"
#include "racing/render/indicators.hpp"

namespace apexline::racing {

// Draws byte for byte what smoothscale makes of the exact renderer's box, but for one level at most if a bar ends in a
// column of pixels that holds ink of the score, which takes a spin of 31 radians a second. Thread-safe.
class IndicatorBox {
 public:
  // Throws std::invalid_argument if GlyphColumns does.
  explicit IndicatorBox(const Glyphs& glyphs) : glyphs_(glyphs) {}

  void draw(const Bars& bars, const ScoreText& text, Planes& planes) const noexcept;

 private:
  GlyphColumns glyphs_;
};

}  // namespace apexline::racing
