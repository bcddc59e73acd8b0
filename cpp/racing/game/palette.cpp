#include "racing/game/palette.hpp"

#include <algorithm>
#include <cstddef>

namespace apexline::racing {
namespace {

constexpr double kBrightest = 210;  // upper bound of each channel
constexpr double kGrassGain = 20;   // difference of one channel between grass and background
constexpr double kShade = 0.01;     // difference between the shades of consecutive tiles (three in turn), times 255

ColourValues random_colour(Pcg64& random) noexcept {
  ColourValues colour;
  for (double& channel : colour) channel = random.uniform(0, kBrightest);
  return colour;
}

Rgb truncated(const ColourValues& colour, double shade = 0) noexcept {
  const auto channel = [&](std::size_t i) { return static_cast<std::uint8_t>(colour[i] + shade); };
  return {channel(0), channel(1), channel(2)};
}

}  // namespace

bool Palette::is_possible() const noexcept {
  const auto is_channel = [](double value) { return value >= 0 && value <= kBrightest + kGrassGain; };
  const auto is_colour = [&](const ColourValues& colour) { return std::ranges::all_of(colour, is_channel); };
  return is_colour(road) && is_colour(background) && is_colour(grass);
}

Palette random_palette(Pcg64& random) noexcept {
  Palette palette;
  palette.road = random_colour(random);
  palette.background = random_colour(random);
  palette.grass = palette.background;
  palette.grass[random.integers(3)] += kGrassGain;
  return palette;
}

Colours surface_colours(const Palette& palette) noexcept {
  Colours colours;
  for (std::size_t i = 0; i < colours.road.size(); ++i)
    colours.road[i] = truncated(palette.road, kShade * static_cast<double>(i) * 255);
  colours.background = truncated(palette.background);
  colours.grass = truncated(palette.grass);
  return colours;
}

}  // namespace apexline::racing
