// The score scaled along x: for each column of the observation, weighted sums over the rows of the surface.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "racing/render/glyphs.hpp"
#include "racing/render/indicators.hpp"

namespace apexline::racing {

inline constexpr std::int32_t kMaxGlyphHeight = 48;  // pixels; pygame's font has 46

// The glyphs column by column, so that a column is added with few vector instructions.
class GlyphColumns {
 public:
  using Column = std::array<std::uint8_t, kMaxGlyphHeight>;  // zeros below the glyph

  // Throws std::invalid_argument unless the glyphs are 1 to kMaxGlyphHeight pixels high and have all their pixels.
  explicit GlyphColumns(const Glyphs& glyphs);

  [[nodiscard]] const Glyphs& glyphs() const noexcept { return glyphs_; }
  [[nodiscard]] const std::vector<Column>& columns(std::size_t character) const noexcept { return columns_[character]; }

 private:
  Glyphs glyphs_;
  std::array<std::vector<Column>, Glyphs::kCount> columns_;
};

class ScoreColumns {
 public:
  ScoreColumns(const ScoreText& text, const GlyphColumns& glyphs) noexcept;

  // The black box of the text, clipped at the surface.
  [[nodiscard]] Bar box() const noexcept;
  // Rows of the surface: the first, and the one after the last.
  [[nodiscard]] std::int32_t top() const noexcept { return top_; }
  [[nodiscard]] std::int32_t bottom() const noexcept { return top_ + height_; }
  // Columns of the observation that may hold ink: the first, and the one after the last.
  [[nodiscard]] std::size_t first() const noexcept { return first_; }
  [[nodiscard]] std::size_t end() const noexcept { return end_; }
  // (kMaxGlyphHeight) weighted sums, from the text's top row on.
  [[nodiscard]] const std::uint16_t* rows(std::size_t column) const noexcept { return sums_[column - first_].data(); }

 private:
  static constexpr std::size_t kMaxColumns = 40;  // of the observation; ink further right is clipped
  using Sums = std::array<std::uint16_t, kMaxGlyphHeight>;

  void add(const std::vector<GlyphColumns::Column>& glyph, std::int32_t left) noexcept;

  std::int32_t height_, width_, left_, top_;
  std::size_t first_ = 0, end_ = 0;
  std::array<Sums, kMaxColumns> sums_{};
};

}  // namespace apexline::racing
