// The black box of the indicators, rows 84 to 95 of the observation, drawn without a surface.
#pragma once

#include <cstdint>

#include "racing/render/fast/kernels/raster_kernels.hpp"
#include "racing/render/fast/score_columns.hpp"
#include "racing/render/indicators.hpp"

namespace apexline::racing {

// Equals the exact renderer's box after smoothscale in every byte, except for at most one level if a bar ends in a column
// of pixels with ink of the score, which needs a spin of 31 radians per second. Thread-safe.
class IndicatorBox {
 public:
  // Throws std::invalid_argument if GlyphColumns does.
  explicit IndicatorBox(const Glyphs& glyphs) : glyphs_(glyphs) {}

  void draw(const Bars& bars, const ScoreText& text, Planes& planes) const noexcept;

 private:
  GlyphColumns glyphs_;
};

}  // namespace apexline::racing
