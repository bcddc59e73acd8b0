// The black box under the picture: bars for speed, wheels, steering and spin, and the score in digits.
#pragma once

#include <array>
#include <cstdint>

#include "apexline/racing/glyphs.hpp"
#include "apexline/racing/raster_kernels.hpp"
#include "apexline/racing/scene.hpp"

namespace apexline::racing {

// A bar as draw.polygon paints it, in pixels of the surface as it is seen: y grows downwards, corners are included.
struct Bar {
  std::int32_t left, top, right, bottom;
  Rgb colour;
};

struct Bars {
  static constexpr std::size_t kMost = 7;

  std::array<Bar, kMost> bars;
  std::size_t count = 0;
};

// The bars of CarRacing._render_indicators in its order; those too short for it are left out.
[[nodiscard]] Bars list_bars(const Scene& scene) noexcept;

// f"{score:04.0f}" as indices into Glyphs::characters.
struct ScoreText {
  static constexpr std::size_t kMost = 24;

  std::array<std::uint8_t, kMost> characters;
  std::size_t length = 0;
};
[[nodiscard]] ScoreText score_text(double score) noexcept;

// Draws rows 84 to 95 of the picture, byte for byte as the game does.
void draw_indicators(const Bars& bars, const ScoreText& text, const Glyphs& glyphs,
                     std::array<Plane, 3>& planes) noexcept;

// Draws what of the bars rises above the box, over what rows 0 to 83 show.
void draw_overlong_bars(const Bars& bars, std::array<Plane, 3>& planes) noexcept;

}  // namespace apexline::racing
