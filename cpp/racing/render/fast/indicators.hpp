// The black box under the image: bars for speed, wheels, steering and spin, and the score in digits.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "racing/base/scene.hpp"
#include "racing/render/fast/kernels/raster_kernels.hpp"
#include "racing/render/glyphs.hpp"

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

// Draws the box, rows 84 to 95 of the image, byte for byte as the game does; a level off at most where a bar ends in
// a column of pixels that holds ink of the score, which takes a spin of 31 radians a second.
class IndicatorBox {
 public:
  static constexpr std::int32_t kMostHeight = 48;  // of the glyphs, pixels; the game's have 46

  // Throws std::invalid_argument where the glyphs are no table: higher than kMostHeight or lacking pixels.
  explicit IndicatorBox(const Glyphs& glyphs);

  void draw(const Bars& bars, const ScoreText& text, Planes& planes) const noexcept;

 private:
  friend class TextSums;
  using Column = std::array<std::uint8_t, kMostHeight>;

  std::int32_t height_;
  std::array<std::vector<Column>, Glyphs::kCount> columns_;  // of the glyphs, zeros below their height
  decltype(Glyphs::steps) steps_;
};

// Draws what of the bars rises above the box, over what rows 0 to 83 show.
void draw_overlong_bars(const Bars& bars, Planes& planes) noexcept;

}  // namespace apexline::racing
