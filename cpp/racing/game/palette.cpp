#include "racing/game/palette.hpp"

#include <cstddef>

namespace apexline::racing {
namespace {

constexpr double kBrightest = 210;  // of any colour drawn
constexpr double kGrassGain = 20;   // by which one channel of the grass is brighter than the background
constexpr double kShade = 0.01;     // by which a tile is brighter than the one before, times 255; three in turn

ColourValues draw_colour(Pcg64& random) noexcept {
  ColourValues colour;
  for (double& channel : colour) channel = random.uniform(0, kBrightest);
  return colour;
}

Rgb cut(const ColourValues& colour, double shade = 0) noexcept {
  const auto channel = [&](std::size_t i) { return static_cast<std::uint8_t>(colour[i] + shade); };
  return {channel(0), channel(1), channel(2)};
}

}  // namespace

Palette draw_palette(Pcg64& random) noexcept {
  Palette palette;
  palette.road = draw_colour(random);
  palette.background = draw_colour(random);
  palette.grass = palette.background;
  palette.grass[random.integers(3)] += kGrassGain;
  return palette;
}

Colours drawn_colours(const Palette& palette) noexcept {
  Colours colours;
  for (std::size_t i = 0; i < colours.road.size(); ++i)
    colours.road[i] = cut(palette.road, kShade * static_cast<double>(i) * 255);
  colours.background = cut(palette.background);
  colours.grass = cut(palette.grass);
  return colours;
}

}  // namespace apexline::racing
