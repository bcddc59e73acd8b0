// The colours of an episode: the game's own, or drawn anew at each reset where it randomises its domain.
#pragma once

#include <array>

#include "racing/base/pcg64.hpp"
#include "racing/base/scene.hpp"

namespace apexline::racing {

// Red, green and blue as the game keeps them, from 0 to below 256.
using ColourValues = std::array<double, 3>;

// CarRacing's road_color, bg_color and grass_color.
struct Palette {
  ColourValues road{102, 102, 102};
  ColourValues background{102, 204, 102};
  ColourValues grass{102, 230, 102};
};

// What CarRacing._reinit_colors draws: seven numbers, before those of the track.
Palette draw_palette(Pcg64& random) noexcept;

// The colours as they reach the image: fractions are cut off, after the shade of a tile was added.
Colours drawn_colours(const Palette& palette) noexcept;

}  // namespace apexline::racing
