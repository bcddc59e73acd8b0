// The black box below the image, drawn pixel for pixel as the game draws it.
#pragma once

#include "racing/base/scene.hpp"
#include "racing/render/exact/canvas.hpp"
#include "racing/render/glyphs.hpp"

namespace apexline::racing {

// Precondition: the canvas has 1000x800 pixels, rows counted from above.
void draw_indicators(Canvas& canvas, const Scene& scene, const Glyphs& glyphs);

// White ink on a black box, centred as pygame centres a Rect: half of each side is rounded down. If characters overlap,
// the greater coverage is drawn. Precondition: the score is finite.
void draw_score(Canvas& canvas, double score, const Glyphs& glyphs, PixelPoint centre);

}  // namespace apexline::racing
