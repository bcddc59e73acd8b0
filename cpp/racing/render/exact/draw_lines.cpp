#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "racing/render/exact/pygame_draw.hpp"

namespace apexline::racing::draw {
namespace {

// One coordinate of the ends of a line. It changes by at most 2^32 - 1 pixels, so that products of two lengths have 64
// bits.
struct Axis {
  Axis(std::int32_t first, std::int32_t last) noexcept
      : start(first),
        length(static_cast<std::uint64_t>(std::abs(std::int64_t{last} - first))),
        sign(last > first ? 1 : -1) {}

  [[nodiscard]] std::int64_t at(std::uint64_t step) const noexcept {
    return start + sign * static_cast<std::int64_t>(step);
  }

  std::int64_t start;
  std::uint64_t length;
  std::int64_t sign;
};

// Bresenham's line of pairs of pixels, of which `paint(major, minor)` paints those along the minor axis, the shorter one.
// Only steps within the `side` pixels of the image along the major axis are made.
template <class Paint>
void walk(const Axis& major, const Axis& minor, std::int64_t side, const Paint& paint) {
  const std::int64_t first = std::max<std::int64_t>(major.sign > 0 ? -major.start : major.start - (side - 1), 0);
  const std::int64_t last =
      std::min(major.sign > 0 ? side - 1 - major.start : major.start, static_cast<std::int64_t>(major.length));
  const std::uint64_t half = major.length - major.length / 2;
  for (std::int64_t step = first; step <= last; ++step) {
    const auto k = static_cast<std::uint64_t>(step);
    // Rounded to the nearest pixel, from halves to the smaller number of steps.
    const std::uint64_t across = k == 0 ? 0 : (k * minor.length + half - 1) / major.length;
    paint(static_cast<int>(major.at(k)), minor.at(across));
  }
}

void line(Canvas& canvas, PixelPoint from, PixelPoint to, Rgb colour) {
  const Axis x(from.x, to.x);
  const Axis y(from.y, to.y);
  // The pixels of a pair are side by side if the line is steep, else one above the other.
  const auto is_near = [](std::int64_t pixel, int side) { return pixel >= -1 && pixel < side; };
  if (x.length <= y.length)
    walk(y, x, canvas.height(), [&](int row, std::int64_t left) {
      if (is_near(left, canvas.width()))
        canvas.fill_row(row, static_cast<int>(left), static_cast<int>(left) + 1, colour);
    });
  else
    walk(x, y, canvas.width(), [&](int column, std::int64_t low) {
      if (is_near(low, canvas.height()))
        canvas.fill_column(column, static_cast<int>(low), static_cast<int>(low) + 1, colour);
    });
}

}  // namespace

void lines(Canvas& canvas, std::span<const PixelPoint> points, Rgb colour) {
  for (std::size_t i = 1; i < points.size(); ++i) line(canvas, points[i - 1], points[i], colour);
}

}  // namespace apexline::racing::draw
