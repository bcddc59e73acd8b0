// An image with the drawing operations of a pygame Surface of 32 bits without alpha.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "racing/base/geometry.hpp"

namespace apexline::racing {

// All operations are clipped at the image's edges. Only the constructor allocates.
class Canvas {
 public:
  static constexpr int kMaxSide = 16384;  // pixels: SDL_gfx clips lines in 16 bits

  // Creates a black image. Throws std::invalid_argument unless both sides are from 1 to kMaxSide.
  Canvas(int width, int height);

  [[nodiscard]] int width() const noexcept { return width_; }
  [[nodiscard]] int height() const noexcept { return height_; }

  // Red in the lowest byte, then green and blue; the highest is 0. Precondition: 0 <= y < height.
  [[nodiscard]] const std::uint32_t* row(int y) const noexcept { return pixels_.data() + offset(0, y); }
  [[nodiscard]] std::uint32_t* row(int y) noexcept { return pixels_.data() + offset(0, y); }

  void clear() noexcept;  // to black

  // Paints the columns `first` to `last` of a row, or the rows `first` to `last` of a column, both included; nothing if
  // first > last.
  void fill_row(int y, int first, int last, Rgb colour) noexcept;
  void fill_column(int x, int first, int last, Rgb colour) noexcept;

  void set(int x, int y, Rgb colour) noexcept { fill_row(y, x, x, colour); }

  // Blends a pixel with `colour` by opacity / 256, rounded down as in SDL_gfx's _putPixelAlpha.
  void blend(int x, int y, Rgb colour, int opacity) noexcept;

  // Mirrors the image vertically.
  void flip() noexcept;

  // Writes (height, width, 3) bytes.
  void copy_to(std::uint8_t* rgb) const noexcept;

 private:
  [[nodiscard]] std::size_t offset(int x, int y) const noexcept {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x);
  }

  int width_;
  int height_;
  std::vector<std::uint32_t> pixels_;
};

}  // namespace apexline::racing
