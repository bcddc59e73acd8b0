// The table of glyphs at the door: `apexline.racing.glyphs.GlyphTable`'s arrays.
#pragma once

#include "arrays.hpp"
#include "racing/render/glyphs.hpp"

namespace apexline::bindings {

// From widths (11,) int32, steps (11, 11) int32 and coverage (height, sum of widths) uint8, in which the characters stand
// side by side. Raises ValueError for a width below 1, or one that does not fit the coverage.
[[nodiscard]] racing::Glyphs glyphs_of(const py::tuple& arrays);

}  // namespace apexline::bindings
