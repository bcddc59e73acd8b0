#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "racing/render/exact/pygame_draw.hpp"

namespace apexline::racing::draw {
namespace {

void fill_between(Canvas& canvas, int y, int from, int to, Rgb colour) noexcept {
  canvas.fill_row(y, std::min(from, to), std::max(from, to), colour);
}

// pygame rounds to the left if an even number of crossings was found before, else to the right, whichever of them open
// and close a span. The order of the corners is therefore visible in the image.
int crossing_at(int y, PixelPoint upper, PixelPoint lower, bool to_left) noexcept {
  const std::int64_t rows = std::int64_t{lower.y} - upper.y;
  const std::int64_t columns = std::int64_t{lower.x} - upper.x;
  const float offset = static_cast<float>((std::int64_t{y} - upper.y) * columns) / static_cast<float>(rows);
  return static_cast<int>(to_left ? std::floor(offset) : std::ceil(offset)) + upper.x;
}

}  // namespace

void fill_polygon(Canvas& canvas, std::span<const PixelPoint> points, Rgb colour) {
  const auto [highest, lowest] =
      std::ranges::minmax_element(points, [](PixelPoint a, PixelPoint b) { return a.y < b.y; });
  const int top = highest->y;
  const int bottom = lowest->y;
  if (top == bottom) {
    const auto [left, right] =
        std::ranges::minmax_element(points, [](PixelPoint a, PixelPoint b) { return a.x < b.x; });
    return canvas.fill_row(top, left->x, right->x, colour);
  }

  std::vector<int> crossings;
  crossings.reserve(points.size());
  for (int y = std::max(top, 0); y <= std::min(bottom, canvas.height() - 1); ++y) {
    crossings.clear();
    PixelPoint previous = points.back();
    for (const PixelPoint point : points) {
      PixelPoint upper = std::exchange(previous, point);
      PixelPoint lower = point;
      if (upper.y == lower.y) continue;
      if (upper.y > lower.y) std::swap(upper, lower);
      const bool is_crossed = upper.y <= y && y < lower.y;
      const bool is_last = y == bottom && lower.y == bottom;
      if (is_crossed || is_last) crossings.push_back(crossing_at(y, upper, lower, crossings.size() % 2 == 0));
    }
    // Every row is crossed an even number of times.
    std::ranges::sort(crossings);
    for (std::size_t i = 0; i + 1 < crossings.size(); i += 2)
      fill_between(canvas, y, crossings[i], crossings[i + 1], colour);
  }

  // A level edge with the inside above it is crossed by no row.
  PixelPoint previous = points.back();
  for (const PixelPoint point : points) {
    if (top < point.y && point.y < bottom && previous.y == point.y)
      fill_between(canvas, point.y, point.x, previous.x, colour);
    previous = point;
  }
}

}  // namespace apexline::racing::draw
