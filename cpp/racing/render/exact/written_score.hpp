// The score, as the game writes it in a font that kerns.
#pragma once

#include "racing/render/exact/canvas.hpp"
#include "racing/render/glyphs.hpp"

namespace apexline::racing {

// f"{score:04.0f}": halves are rounded to even, zeros pad to four characters, and what rounds to zero from below is
// "-000". White ink in a black box, centred as pygame centres a Rect: half of each side is rounded down.
// Precondition: the score is finite.
void draw_score(Canvas& canvas, double score, const Glyphs& glyphs, PixelPoint centre);

}  // namespace apexline::racing
