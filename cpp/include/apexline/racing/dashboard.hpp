// The black strip at the foot of the picture: the score, and bars of speed, wheels, steering and spin.
#pragma once

#include "apexline/racing/canvas.hpp"
#include "apexline/racing/glyphs.hpp"
#include "apexline/racing/scene.hpp"

namespace apexline::racing {

// Precondition: the canvas is of 1000x800 pixels, and the picture above the strip is drawn.
void draw_dashboard(Canvas& canvas, const Scene& scene, const Glyphs& glyphs);

}  // namespace apexline::racing
