// The colours of an episode: the game's default ones, or random ones at each reset (domain_randomize).
#pragma once

#include <array>

#include "racing/base/pcg64.hpp"
#include "racing/base/scene.hpp"

namespace apexline::racing {

// Red, green and blue in the game's float64, from 0 to below 256.
using ColourValues = std::array<double, 3>;

// CarRacing's road_color, bg_color and grass_color.
struct Palette {
  ColourValues road{102, 102, 102};
  ColourValues background{102, 204, 102};
  ColourValues grass{102, 230, 102};

  // Whether a deserialised palette can occur.
  [[nodiscard]] bool is_possible() const noexcept;
};

// CarRacing._reinit_colors: consumes seven random numbers.
Palette random_palette(Pcg64& random) noexcept;

// The colours in the image: truncated to integers after the shade of a tile was added.
Colours surface_colours(const Palette& palette) noexcept;

}  // namespace apexline::racing
