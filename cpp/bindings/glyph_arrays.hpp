// The arrays of apexline.racing.native.glyphs.GlyphTable as racing::Glyphs.
#pragma once

#include "arrays.hpp"
#include "racing/render/glyphs.hpp"

namespace apexline::bindings {

// From widths (11,) int32, steps (11, 11) int32 and coverage (height, sum of widths) uint8, in which the characters stand
// side by side. Raises ValueError if a width is below 1 or does not fit the coverage.
[[nodiscard]] racing::Glyphs glyphs_of(const py::tuple& arrays);

}  // namespace apexline::bindings
