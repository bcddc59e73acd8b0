#include <cstddef>
#include <cstdlib>

#include "racing/render/exact/pygame_draw.hpp"

namespace apexline::racing::draw {
namespace {

// Bresenham's line of pairs of pixels, side by side if the line is steep, else one above the other.
void line(Canvas& canvas, PixelPoint from, PixelPoint to, Rgb colour) {
  const int dx = std::abs(to.x - from.x);
  const int dy = std::abs(to.y - from.y);
  const bool is_steep = dx <= dy;
  const int right = to.x > from.x ? 1 : -1;
  const int down = to.y > from.y ? 1 : -1;
  int error = (dx > dy ? dx : -dy) / 2;
  int x = from.x;
  int y = from.y;
  while (is_steep ? y != to.y + down : x != to.x + right) {
    if (is_steep)
      canvas.fill_row(y, x, x + 1, colour);
    else
      canvas.fill_column(x, y, y + 1, colour);
    if (dx == 0 && dy == 0) return;
    const int before = error;
    if (before > -dx) {
      error -= dy;
      x += right;
    }
    if (before < dy) {
      error += dx;
      y += down;
    }
  }
}

}  // namespace

void lines(Canvas& canvas, std::span<const PixelPoint> points, Rgb colour) {
  for (std::size_t i = 1; i < points.size(); ++i) line(canvas, points[i - 1], points[i], colour);
}

}  // namespace apexline::racing::draw
