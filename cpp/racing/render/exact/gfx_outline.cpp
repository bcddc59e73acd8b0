// Anti-aliased lines after Abrash's "Wu'ed in haste" (Graphics Programming Black Book, chapter 42), in SDL_gfx's
// fixed-point arithmetic.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "racing/render/exact/pygame_draw.hpp"

namespace apexline::racing::gfx {
namespace {

struct End {
  std::int16_t x;
  std::int16_t y;
};

enum Side : unsigned { kInside = 0, kLeft = 1, kRight = 2, kBelow = 4, kAbove = 8 };

unsigned sides(End end, int right, int bottom) noexcept {
  const unsigned across = end.x < 0 ? kLeft : end.x > right ? kRight : kInside;
  const unsigned along = end.y < 0 ? kAbove : end.y > bottom ? kBelow : kInside;
  return across | along;
}

std::int16_t moved(std::int16_t from, float distance) noexcept {
  return static_cast<std::int16_t>(from + static_cast<std::int16_t>(static_cast<int>(distance)));
}

// Clips by Cohen and Sutherland; returns whether anything is left. The order of the ends matters: the first pixel is
// opaque.
bool clip(End& first, End& second, int right, int bottom) noexcept {
  while (true) {
    unsigned side = sides(first, right, bottom);
    const unsigned other = sides(second, right, bottom);
    if ((side | other) == kInside) return true;
    if ((side & other) != 0) return false;
    if (side == kInside) {
      std::swap(first, second);
      side = other;
    }
    const bool is_vertical = first.x == second.x;
    const float slope =
        is_vertical ? 1.0F : static_cast<float>(second.y - first.y) / static_cast<float>(second.x - first.x);
    if ((side & (kLeft | kRight)) != 0) {
      const int edge = (side & kLeft) != 0 ? 0 : right;
      first.y = moved(first.y, static_cast<float>(edge - first.x) * slope);
      first.x = static_cast<std::int16_t>(edge);
    } else {
      const int edge = (side & kBelow) != 0 ? bottom : 0;
      if (!is_vertical) first.x = moved(first.x, static_cast<float>(edge - first.y) / slope);
      first.y = static_cast<std::int16_t>(edge);
    }
  }
}

// The position of the line's centre between two pixels, in 2**32ths of a pixel.
class Fraction {
 public:
  // A rise of `minor` over a run of `major`, cut to 16 bits.
  Fraction(int minor, int major) noexcept : step_(static_cast<std::uint32_t>((minor << 16) / major) << 16) {}

  // Advances by one pixel; returns whether the line has reached the next row or column. A slope of 1 has no fraction and
  // does so every time.
  bool advance() noexcept {
    const std::uint32_t before = value_;
    value_ += step_;
    return value_ <= before;
  }

  // SDL_gfx scales the opacity of 255 by a weight / 256.
  [[nodiscard]] int near_opacity() const noexcept { return 255 * (255 - weight()) >> 8; }
  [[nodiscard]] int far_opacity() const noexcept { return 255 * weight() >> 8; }

 private:
  [[nodiscard]] int weight() const noexcept { return static_cast<int>(value_ >> 24); }

  std::uint32_t step_;
  std::uint32_t value_ = 0;
};

// Without the last pixel, which is the first of the polygon's next edge.
void draw_edge(Canvas& canvas, End first, End second, Rgb colour) {
  if (!clip(first, second, canvas.width() - 1, canvas.height() - 1)) return;
  End top = first;
  End bottom = second;
  if (top.y > bottom.y) std::swap(top, bottom);
  int x = top.x;
  int y = top.y;
  const int dx = std::abs(bottom.x - x);
  const int dy = bottom.y - y;
  if (dx == 0) return canvas.fill_column(x, y, bottom.y, colour);
  const int forward = bottom.x > x ? 1 : -1;
  if (dy == 0) return forward > 0 ? canvas.fill_row(y, x, bottom.x, colour) : canvas.fill_row(y, bottom.x, x, colour);

  canvas.set(first.x, first.y, colour);
  if (dy > dx) {
    Fraction fraction(dx, dy);
    for (int left = dy - 1; left > 0; --left) {
      if (fraction.advance()) x += forward;
      ++y;
      canvas.blend(x, y, colour, fraction.near_opacity());
      canvas.blend(x + forward, y, colour, fraction.far_opacity());
    }
  } else {
    Fraction fraction(dy, dx);
    for (int left = dx - 1; left > 0; --left) {
      if (fraction.advance()) ++y;
      x += forward;
      canvas.blend(x, y, colour, fraction.near_opacity());
      canvas.blend(x, y + 1, colour, fraction.far_opacity());
    }
  }
}

End end_at(PixelPoint point) noexcept {
  return {static_cast<std::int16_t>(point.x), static_cast<std::int16_t>(point.y)};
}

}  // namespace

void outline_polygon(Canvas& canvas, std::span<const PixelPoint> points, Rgb colour) {
  for (std::size_t i = 1; i < points.size(); ++i) draw_edge(canvas, end_at(points[i - 1]), end_at(points[i]), colour);
  draw_edge(canvas, end_at(points.back()), end_at(points.front()), colour);
}

}  // namespace apexline::racing::gfx
