// Bars that rise above the box of the indicators, as at very high speed.
#pragma once

#include "racing/render/fast/kernels/raster_kernels.hpp"
#include "racing/render/indicators.hpp"

namespace apexline::racing {

// Blends what of the bars lies above the box into rows 0 to 83, each pixel by the share that a bar covers; within one
// level of the game's values.
void draw_overlong_bars(const Bars& bars, Planes& planes) noexcept;

}  // namespace apexline::racing
