// The contents of the black box below the image: bars of speed, wheels, steering and spin, and the score as text.
//
// Both renderers draw these lists, so that columns, factors, colours and the format of the score exist once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "racing/base/geometry.hpp"
#include "racing/base/scene.hpp"
#include "racing/render/camera.hpp"
#include "racing/render/glyphs.hpp"

namespace apexline::racing {

inline constexpr std::int32_t kIndicatorTop = kSurfaceHeight - kIndicatorHeight;  // row, counted from above

// A filled rectangle in pixels of the surface, rows counted from above; the edges belong to it.
struct Bar {
  std::int32_t left, top, right, bottom;
  Rgb colour;
};

struct Bars {
  static constexpr std::size_t kMaxBars = 7;

  std::array<Bar, kMaxBars> bars;
  std::size_t count = 0;
};

// The bars of CarRacing._render_indicators in its order, clipped at the surface. A value below 1e-4 has none.
[[nodiscard]] Bars list_bars(const Scene& scene) noexcept;

inline constexpr PixelPoint kScoreCentre{60, 750};  // of the score, row counted from above

// f"{score:04.0f}" as indices into Glyphs::characters: halves are rounded to even, zeros pad to four characters, and
// what rounds to zero from below is "-000".
struct ScoreText {
  static constexpr std::size_t kMaxLength = 24;

  std::array<std::uint8_t, kMaxLength> characters;
  std::size_t length = 0;
};

// Scores beyond +-1e18 are written as +-1e18. Precondition: the score is finite.
[[nodiscard]] ScoreText score_text(double score) noexcept;

// The text with a place for each character.
struct ScoreLine {
  ScoreText text;
  // Left edges of the characters, from the left of the text, pixels.
  std::array<std::int32_t, ScoreText::kMaxLength> x{};
  std::int32_t width = 0;  // pixels
};

[[nodiscard]] ScoreLine lay_out(const ScoreText& text, const Glyphs& glyphs) noexcept;

}  // namespace apexline::racing
