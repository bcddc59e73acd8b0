#include "apexline/racing/score_text.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdio>

namespace apexline::racing {

ScoreText lay_out_score(double score, const Glyphs& glyphs) {
  assert(std::isfinite(score));
  std::array<char, 320> characters;  // a float64 has 309 digits at most
  const int count = std::snprintf(characters.data(), characters.size(), "%04.0f", score);

  ScoreText text;
  for (int i = 0; i < count; ++i) {
    const char character = characters[static_cast<std::size_t>(i)];
    const int next = character == '-' ? Glyphs::kMinus : character - '0';
    const auto place = static_cast<std::size_t>(next);
    if (i > 0) text.width += glyphs.kerning[static_cast<std::size_t>(text.glyphs.back().character)][place];
    text.glyphs.push_back({next, text.width});
    text.width += glyphs.characters[place].width;
  }
  return text;
}

void draw_score(Canvas& canvas, double score, const Glyphs& glyphs, PixelPoint centre) {
  const ScoreText text = lay_out_score(score, glyphs);
  const int left = centre.x - text.width / 2;
  const int top = centre.y - glyphs.height / 2;
  std::vector<std::uint8_t> line(static_cast<std::size_t>(std::max(text.width, 0)));
  for (int y = 0; y < glyphs.height; ++y) {
    std::fill(line.begin(), line.end(), 0);
    for (const auto [character, x] : text.glyphs) {
      const Glyph& glyph = glyphs.characters[static_cast<std::size_t>(character)];
      for (int column = 0; column < glyph.width; ++column) {
        if (x + column < 0 || x + column >= text.width) continue;
        std::uint8_t& ink = line[static_cast<std::size_t>(x + column)];
        ink = std::max(ink, glyph.coverage[static_cast<std::size_t>(y * glyph.width + column)]);
      }
    }
    for (int x = 0; x < text.width; ++x) {
      const std::uint8_t ink = line[static_cast<std::size_t>(x)];
      canvas.set(left + x, top + y, {ink, ink, ink});
    }
  }
}

}  // namespace apexline::racing
