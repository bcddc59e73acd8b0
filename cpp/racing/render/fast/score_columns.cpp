#include "racing/render/fast/score_columns.hpp"

#include <algorithm>
#include <stdexcept>

#include "racing/render/fast/surface_cells.hpp"
#include "support/errors.hpp"

namespace apexline::racing {

GlyphColumns::GlyphColumns(const Glyphs& glyphs) : glyphs_(glyphs) {
  if (glyphs.height < 1 || glyphs.height > kMaxGlyphHeight)
    throw std::invalid_argument(text("glyph height is ", glyphs.height, "; expected 1 to ", kMaxGlyphHeight));
  const auto height = static_cast<std::size_t>(glyphs.height);
  for (std::size_t i = 0; i < Glyphs::kCount; ++i) {
    const Glyph& glyph = glyphs.characters[i];
    const auto width = static_cast<std::size_t>(std::max(glyph.width, 0));
    if (width == 0 || glyph.coverage.size() != width * height)
      throw std::invalid_argument(text("glyph ", i, " has ", glyph.coverage.size(), " pixels; expected ", height,
                                       " rows of ", glyph.width, " >= 1"));
    columns_[i].resize(width);
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t y = 0; y < height; ++y) columns_[i][x][y] = glyph.coverage[y * width + x];
  }
}

ScoreColumns::ScoreColumns(const ScoreText& text, const GlyphColumns& glyphs) noexcept
    : height_(glyphs.glyphs().height) {
  const ScoreLine line = lay_out(text, glyphs.glyphs());
  width_ = line.width;
  left_ = kScoreCentre.x - width_ / 2;
  top_ = kScoreCentre.y - height_ / 2;
  first_ = end_ = first_cell(kAcross, std::max(left_, 0));
  for (std::size_t i = 0; i < text.length; ++i) add(glyphs.columns(text.characters[i]), left_ + line.x[i]);
}

Bar ScoreColumns::box() const noexcept {
  return {std::max(left_, 0), top_, std::min(left_ + width_, kSurfaceWidth) - 1, top_ + height_ - 1, {}};
}

void ScoreColumns::add(const std::vector<GlyphColumns::Column>& glyph, std::int32_t left) noexcept {
  std::size_t column = first_cell(kAcross, std::max(left, 0));
  for (std::size_t x = 0; x < glyph.size(); ++x) {
    const std::int32_t place = left + static_cast<std::int32_t>(x);
    if (place < 0) continue;
    while (column < kSide && kColumnCells[column].end < place) ++column;
    if (column >= kSide - 1 || column >= first_ + kMaxColumns - 1) return;
    const ScaleCell& cell = kColumnCells[column];
    Sums& sums = sums_[column - first_];
    if (place < cell.end) {
      for (std::size_t y = 0; y < sums.size(); ++y) sums[y] = static_cast<std::uint16_t>(sums[y] + glyph[x][y]);
      end_ = std::max(end_, column + 1);
      continue;
    }
    Sums& next = sums_[column - first_ + 1];
    const std::int32_t rest = kWholePixel - cell.end_weight;
    for (std::size_t y = 0; y < sums.size(); ++y) {
      sums[y] = static_cast<std::uint16_t>(sums[y] + weighted(glyph[x][y], cell.end_weight));
      next[y] = static_cast<std::uint16_t>(next[y] + weighted(glyph[x][y], rest));
    }
    end_ = std::max(end_, column + 2);
  }
}

}  // namespace apexline::racing
