#include "racing/render/exact/draw_indicators.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <vector>

#include "racing/render/exact/pygame_draw.hpp"
#include "racing/render/indicators.hpp"

namespace apexline::racing {
namespace {

void draw_bar(Canvas& canvas, const Bar& bar) {
  const std::array<PixelPoint, 4> corners{
      {{bar.left, bar.top}, {bar.right, bar.top}, {bar.right, bar.bottom}, {bar.left, bar.bottom}}};
  draw::fill_polygon(canvas, corners, bar.colour);
}

}  // namespace

void draw_indicators(Canvas& canvas, const Scene& scene, const Glyphs& glyphs) {
  draw_bar(canvas, {0, kIndicatorTop, kSurfaceWidth - 1, kSurfaceHeight - 1, {}});
  const Bars bars = list_bars(scene);
  for (std::size_t i = 0; i < bars.count; ++i) draw_bar(canvas, bars.bars[i]);
  draw_score(canvas, scene.score, glyphs, kScoreCentre);
}

void draw_score(Canvas& canvas, double score, const Glyphs& glyphs, PixelPoint centre) {
  assert(std::isfinite(score));
  const ScoreLine line = lay_out(score_text(score), glyphs);
  const int left = centre.x - line.width / 2;
  const int top = centre.y - glyphs.height / 2;
  std::vector<std::uint8_t> inks(static_cast<std::size_t>(line.width));
  for (int y = 0; y < glyphs.height; ++y) {
    std::ranges::fill(inks, 0);
    for (std::size_t i = 0; i < line.text.length; ++i) {
      const Glyph& glyph = glyphs.characters[line.text.characters[i]];
      const std::uint8_t* coverage = glyph.coverage.data() + static_cast<std::size_t>(y * glyph.width);
      const int x = line.x[i];
      for (int column = std::max(0, -x); column < std::min(glyph.width, line.width - x); ++column) {
        std::uint8_t& ink = inks[static_cast<std::size_t>(x + column)];
        ink = std::max(ink, coverage[column]);
      }
    }
    for (int x = 0; x < line.width; ++x) {
      const std::uint8_t ink = inks[static_cast<std::size_t>(x)];
      canvas.set(left + x, top + y, {ink, ink, ink});
    }
  }
}

}  // namespace apexline::racing
