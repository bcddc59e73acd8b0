// The drawing functions of pygame-ce 2.5.8 that the game calls, equal in every pixel.
//
// gfx:: is pygame.gfxdraw, which is SDL_gfx; coordinates are truncated to 16 bits and wrap around. draw:: is pygame.draw.
// O(pixels of the canvas that are painted + rows * corners), wherever the points lie.
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

// pygame.draw.polygon with width=0. Precondition: 4 points or more, since pygame draws triangles differently and
// the game has none. Equal if width times height is below 2**31; beyond, pygame's arithmetic overflows.
void fill_polygon(Canvas& canvas, std::span<const PixelPoint> points, Rgb colour);

// pygame.draw.lines with width=2 and closed=False. Precondition: 2 points or more.
void lines(Canvas& canvas, std::span<const PixelPoint> points, Rgb colour);

}  // namespace apexline::racing::draw
