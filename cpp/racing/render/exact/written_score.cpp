#include "racing/render/exact/written_score.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

namespace apexline::racing {
namespace {

struct PlacedGlyph {
  const Glyph* glyph;
  std::int32_t x;  // of its left edge from the text's, pixels
};

std::vector<PlacedGlyph> placed(std::string_view characters, const Glyphs& glyphs) {
  std::vector<PlacedGlyph> line;
  std::size_t previous = 0;
  std::int32_t place = 0;  // 1/64 pixel
  for (const char character : characters) {
    const std::size_t next = character == '-' ? Glyphs::kMinus : static_cast<std::size_t>(character - '0');
    if (!line.empty()) place += glyphs.steps[previous][next];
    line.push_back({&glyphs.characters[next], place >> 6});
    previous = next;
  }
  return line;
}

}  // namespace

void draw_score(Canvas& canvas, double score, const Glyphs& glyphs, PixelPoint centre) {
  assert(std::isfinite(score));
  std::array<char, 320> characters;  // a float64 has 309 digits at most
  const int count = std::snprintf(characters.data(), characters.size(), "%04.0f", score);
  const auto line = placed({characters.data(), static_cast<std::size_t>(count)}, glyphs);
  const int width = line.back().x + line.back().glyph->width;
  const int left = centre.x - width / 2;
  const int top = centre.y - glyphs.height / 2;
  std::vector<std::uint8_t> inks(static_cast<std::size_t>(width));
  for (int y = 0; y < glyphs.height; ++y) {
    std::fill(inks.begin(), inks.end(), 0);
    for (const auto [glyph, x] : line) {
      const std::uint8_t* coverage = glyph->coverage.data() + static_cast<std::size_t>(y * glyph->width);
      // Neighbours that stand close share columns.
      for (int column = std::max(0, -x); column < std::min(glyph->width, width - x); ++column) {
        std::uint8_t& ink = inks[static_cast<std::size_t>(x + column)];
        ink = std::max(ink, coverage[column]);
      }
    }
    for (int x = 0; x < width; ++x) {
      const std::uint8_t ink = inks[static_cast<std::size_t>(x)];
      canvas.set(left + x, top + y, {ink, ink, ink});
    }
  }
}

}  // namespace apexline::racing
