// The pictures of the characters in which the game writes its score: '-' and the ten digits.
//
// No font is shipped: Python makes the table from pygame's own font where pygame is installed (the game's exact
// digits), else from a plain drawing of the project's own.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace apexline::racing {

struct Glyph {
  std::int32_t width = 0;              // pixels, which is also how far the next character is moved
  std::vector<std::uint8_t> coverage;  // (height, width), row by row; 0 is the black box, 255 the white ink
};

struct Glyphs {
  static constexpr int kMinus = 10;
  static constexpr int kCount = 11;

  std::int32_t height = 0;                // pixels of the 1000x800 picture
  std::array<Glyph, kCount> characters;   // 0 to 9, then the minus
  // How much farther the second of two neighbours is moved, pixels: kerning[first][second]. Where it is negative the
  // two share columns, and the greater coverage is seen.
  std::array<std::array<std::int32_t, kCount>, kCount> kerning{};
};

}  // namespace apexline::racing
