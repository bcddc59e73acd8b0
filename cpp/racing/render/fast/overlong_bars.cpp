#include "racing/render/fast/overlong_bars.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace apexline::racing {
namespace {

// Coordinates that both grids share: a pixel of the observation is `from` long, one of the surface `to`.
struct Grid {
  std::int32_t from;
  std::int32_t to;

  [[nodiscard]] constexpr std::int32_t first(std::int32_t pixel) const noexcept { return pixel * to / from; }
  // The length of output `place` that lies within the surface's pixels from `low` up to but without `high`.
  [[nodiscard]] constexpr std::int32_t covered(std::int32_t place, std::int32_t low, std::int32_t high) const noexcept {
    return std::max(std::min(high * to, (place + 1) * from) - std::max(low * to, place * from), 0);
  }
};

constexpr Grid kX{kSurfaceWidth, kSide};
constexpr Grid kY{kSurfaceHeight, kSide};

}  // namespace

void draw_overlong_bars(const Bars& bars, Planes& planes) noexcept {
  constexpr std::int32_t kArea = kSurfaceWidth * kSurfaceHeight;  // of a pixel of the observation
  for (std::size_t i = 0; i < bars.count; ++i) {
    const Bar& bar = bars.bars[i];
    if (bar.top >= kIndicatorTop) continue;
    const std::array<std::uint8_t, 3> colour{bar.colour.red, bar.colour.green, bar.colour.blue};
    const std::int32_t bottom = std::min(bar.bottom + 1, kIndicatorTop), right = bar.right + 1;
    for (std::int32_t row = kY.first(bar.top); row * kY.from < bottom * kY.to; ++row)
      for (std::int32_t column = kX.first(bar.left); column * kX.from < right * kX.to; ++column) {
        const std::int32_t covered = kX.covered(column, bar.left, right) * kY.covered(row, bar.top, bottom);
        for (std::size_t channel = 0; channel < 3; ++channel) {
          std::uint8_t& value = planes[channel][static_cast<std::size_t>(row * kSide + column)];
          const std::int64_t painted = std::max(colour[channel] - 2, 0);  // smoothscale's rounding
          value = static_cast<std::uint8_t>((static_cast<std::int64_t>(value) * (kArea - covered) + painted * covered) /
                                            kArea);
        }
      }
  }
}

}  // namespace apexline::racing
