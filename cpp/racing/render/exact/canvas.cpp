#include "racing/render/exact/canvas.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>

#include "support/errors.hpp"

namespace apexline::racing {
namespace {

constexpr std::uint32_t packed(Rgb colour) noexcept {
  return std::uint32_t{colour.red} | std::uint32_t{colour.green} << 8 | std::uint32_t{colour.blue} << 16;
}

// The shift of a negative number rounds down, as does SDL_gfx, whose unsigned arithmetic wraps around before it masks.
constexpr std::uint32_t mixed(std::uint32_t old, int colour, int opacity) noexcept {
  const int from = static_cast<int>(old & 255);
  return static_cast<std::uint32_t>(from + ((colour - from) * opacity >> 8)) & 255;
}

int checked_side(int side, const char* name) {
  if (side < 1 || side > Canvas::kMaxSide)
    throw std::invalid_argument(text(name, " is ", side, "; expected 1 to ", Canvas::kMaxSide));
  return side;
}

}  // namespace

Canvas::Canvas(int width, int height)
    : width_(checked_side(width, "width")),
      height_(checked_side(height, "height")),
      pixels_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height)) {}

void Canvas::clear() noexcept { std::ranges::fill(pixels_, 0); }

void Canvas::fill_row(int y, int first, int last, Rgb colour) noexcept {
  first = std::max(first, 0);
  last = std::min(last, width_ - 1);
  if (y < 0 || y >= height_ || first > last) return;
  std::fill_n(row(y) + first, last - first + 1, packed(colour));
}

void Canvas::fill_column(int x, int first, int last, Rgb colour) noexcept {
  if (x < 0 || x >= width_) return;
  first = std::max(first, 0);
  last = std::min(last, height_ - 1);
  for (int y = first; y <= last; ++y) pixels_[offset(x, y)] = packed(colour);
}

void Canvas::blend(int x, int y, Rgb colour, int opacity) noexcept {
  if (x < 0 || x >= width_ || y < 0 || y >= height_) return;
  std::uint32_t& pixel = pixels_[offset(x, y)];
  pixel = mixed(pixel, colour.red, opacity) | mixed(pixel >> 8, colour.green, opacity) << 8 |
          mixed(pixel >> 16, colour.blue, opacity) << 16;
}

void Canvas::flip() noexcept {
  for (int y = 0; y < height_ / 2; ++y) std::swap_ranges(row(y), row(y) + width_, row(height_ - 1 - y));
}

void Canvas::copy_to(std::uint8_t* rgb) const noexcept {
  static_assert(std::endian::native == std::endian::little);
  // A pixel is written in one piece, whose fourth byte the next pixel overwrites.
  const std::size_t last = pixels_.size() - 1;
  for (std::size_t i = 0; i < last; ++i, rgb += 3) std::memcpy(rgb, &pixels_[i], sizeof(pixels_[i]));
  std::memcpy(rgb, &pixels_[last], 3);
}

}  // namespace apexline::racing
