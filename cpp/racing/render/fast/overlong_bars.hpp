// Bars that rise above the box of the indicators, as at very high speed.
#pragma once

#include "racing/render/fast/kernels/raster_kernels.hpp"
#include "racing/render/indicators.hpp"

namespace apexline::racing {

// Blends the parts of the bars above the box into rows 0 to 83, each pixel by the fraction that a bar covers.
void draw_overlong_bars(const Bars& bars, Planes& planes) noexcept;

}  // namespace apexline::racing
