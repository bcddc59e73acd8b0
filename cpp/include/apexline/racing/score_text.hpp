// The score as the game writes it: CarRacing's f"{reward:04.0f}" in a font that kerns.
#pragma once

#include <cstdint>
#include <vector>

#include "apexline/racing/canvas.hpp"
#include "apexline/racing/glyphs.hpp"

namespace apexline::racing {

struct PlacedGlyph {
  int character = 0;   // in Glyphs::characters
  std::int32_t x = 0;  // of its left edge from the text's, pixels
};

struct ScoreText {
  std::vector<PlacedGlyph> glyphs;
  std::int32_t width = 0;  // pixels
};

// Rounds halves to even, pads with zeros to four characters and writes "-000" for what rounds to zero from below.
// Precondition: the score is finite.
[[nodiscard]] ScoreText lay_out_score(double score, const Glyphs& glyphs);

// Black box and white ink, centred as pygame centres a Rect: half of each side is rounded down.
void draw_score(Canvas& canvas, double score, const Glyphs& glyphs, PixelPoint centre);

}  // namespace apexline::racing
