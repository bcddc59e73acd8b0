// The black strip at the foot of the image: the score, and bars of speed, wheels, steering and spin.
#pragma once

#include "racing/base/scene.hpp"
#include "racing/render/exact/canvas.hpp"
#include "racing/render/glyphs.hpp"

namespace apexline::racing {

// Precondition: the canvas is of 1000x800 pixels, and the image above the strip is drawn.
void draw_dashboard(Canvas& canvas, const Scene& scene, const Glyphs& glyphs);

}  // namespace apexline::racing
