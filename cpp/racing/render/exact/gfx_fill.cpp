#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "racing/render/exact/pygame_draw.hpp"

namespace apexline::racing::gfx {
namespace {

// Rounds 2**-16ths of a pixel to the nearest pixel; halves up.
int nearest(std::int64_t crossing) noexcept {
  return static_cast<std::int16_t>((crossing >> 16) + (crossing >> 15 & 1));
}

}  // namespace

void fill_polygon(Canvas& canvas, std::span<const PixelPoint> points, Rgb colour) {
  const auto row_of = [](PixelPoint point) { return static_cast<int>(static_cast<std::int16_t>(point.y)); };
  const auto column_of = [](PixelPoint point) { return static_cast<int>(static_cast<std::int16_t>(point.x)); };
  int highest = row_of(points.front());
  int lowest = highest;
  for (const PixelPoint point : points) {
    highest = std::min(highest, row_of(point));
    lowest = std::max(lowest, row_of(point));
  }

  std::vector<std::int64_t> crossings;
  crossings.reserve(points.size());
  for (int y = std::max(highest, 0); y <= std::min(lowest, canvas.height() - 1); ++y) {
    crossings.clear();
    PixelPoint previous = points.back();
    for (const PixelPoint point : points) {
      PixelPoint upper = std::exchange(previous, point);
      PixelPoint lower = point;
      if (row_of(upper) > row_of(lower)) std::swap(upper, lower);
      const int top = row_of(upper);
      const int bottom = row_of(lower);
      // A row is crossed by the edges that begin at or above it and end below; the last row by those that end there.
      const bool is_crossed = top <= y && y < bottom;
      const bool is_last = y == lowest && top < y && y <= bottom;
      if (!is_crossed && !is_last) continue;
      const std::int64_t part = (std::int64_t{y - top} << 16) / (bottom - top);
      crossings.push_back(part * (column_of(lower) - column_of(upper)) + std::int64_t{column_of(upper)} * 65536);
    }
    // Every row is crossed an even number of times.
    std::ranges::sort(crossings);
    for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) {
      const auto [first, last] = std::minmax({nearest(crossings[i] + 1), nearest(crossings[i + 1] - 1)});
      canvas.fill_row(y, first, last, colour);
    }
  }
}

}  // namespace apexline::racing::gfx
