// The images of the characters of the score: the ten digits and '-'.
//
// No font is shipped: Python makes the table from pygame's font if pygame is installed (the game's exact digits), else
// from a simple drawing of the project's own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace apexline::racing {

struct Glyph {
  std::int32_t width = 0;              // pixels
  std::vector<std::uint8_t> coverage;  // (height, width), row by row; 0 is the black box, 255 the white ink
};

struct Glyphs {
  static constexpr std::size_t kMinus = 10;
  static constexpr std::size_t kCount = 11;

  std::int32_t height = 0;           // pixels of the 1000x800 image
  std::array<Glyph, kCount> characters;  // 0 to 9, then the minus
  // Distance from the left of one character to the left of the next, [this][next], in 1/64 pixel: width and kerning.
  std::array<std::array<std::int32_t, kCount>, kCount> steps{};
};

}  // namespace apexline::racing
