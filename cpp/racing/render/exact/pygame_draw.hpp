// The shapes of which the game is drawn, each as the function of pygame-ce 2.5.8 that the game calls, equal to it by
// every pixel.
//
// gfx:: is pygame.gfxdraw, which is SDL_gfx; it keeps coordinates in 16 bits, and so do these: what does not fit wraps
// around. draw:: is pygame.draw. The time is that of the painted pixels plus, a row of the image that the shape
// crosses, that of its corners.
#pragma once

#include <span>

#include "racing/render/exact/canvas.hpp"

namespace apexline::racing::gfx {

// gfxdraw.aapolygon: the outline, one pixel thick and anti-aliased. Precondition: 3 points or more.
void outline_polygon(Canvas& canvas, std::span<const PixelPoint> points, Rgb colour);

// gfxdraw.filled_polygon. Precondition: 3 points or more, of which no two are more than 32767 rows apart.
void fill_polygon(Canvas& canvas, std::span<const PixelPoint> points, Rgb colour);

}  // namespace apexline::racing::gfx

namespace apexline::racing::draw {

// pygame.draw.polygon with width=0. Precondition: 4 points or more, since pygame draws triangles in another way, and
// the game has none. Equal as long as width times height is below 2**31, where pygame's arithmetic overflows.
void fill_polygon(Canvas& canvas, std::span<const PixelPoint> points, Rgb colour);

// pygame.draw.lines with width=2 and closed=False. Precondition: 2 points or more.
void lines(Canvas& canvas, std::span<const PixelPoint> points, Rgb colour);

}  // namespace apexline::racing::draw
