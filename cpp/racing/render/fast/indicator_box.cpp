#include "racing/render/fast/indicator_box.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "racing/render/fast/surface_cells.hpp"

namespace apexline::racing {
namespace {

constexpr std::size_t kFirstRow = kVisibleRows;

using Sums = std::array<std::uint16_t, kSide>;

// A row of the surface, column by column of the observation: sums of its pixels, and after `scale` their means.
struct Line {
  std::array<Sums, 3> sums;

  void scale(std::size_t from, std::size_t to) noexcept {
    for (Sums& channel : sums)
      for (std::size_t column = from; column < to; ++column) channel[column] = kAcross.mean(channel[column]);
  }
};

// How many of the integers from `from` up to but without `to` lie from `low` up to but without `high`.
constexpr std::int32_t num_shared(std::int32_t from, std::int32_t to, std::int32_t low, std::int32_t high) noexcept {
  return std::max(std::min(to, high) - std::max(from, low), 0);
}

// What a run of pixels, from `from` up to but without `to`, contributes to an output.
struct Share {
  constexpr Share(const ScaleCell& cell, std::int32_t from, std::int32_t to) noexcept
      : whole(static_cast<std::uint32_t>(num_shared(from, to, cell.carry + 1, cell.end))),
        carry(cell.carry >= from && cell.carry < to ? cell.carry_weight : 0),
        end(cell.end >= from && cell.end < to ? cell.end_weight : 0) {}

  [[nodiscard]] constexpr std::uint32_t of(std::uint32_t value) const noexcept {
    return value * whole + weighted(value, carry) + weighted(value, end);
  }

  std::uint32_t whole;  // pixels
  std::int32_t carry;   // weight of the cell's carry
  std::int32_t end;     // weight of the cell's end
};

// Sums of rows that are scaled along x, for each row of the box.
class RowTotals {
 public:
  // Adds the surface's rows from y0 up to but without y1, which all equal `line`, between two columns.
  void add(const Line& line, std::size_t from, std::size_t to, std::int32_t y0, std::int32_t y1) noexcept {
    if (from >= to) return;
    for (std::size_t row = std::max(first_cell(kDown, y0), kFirstRow); row < kSide; ++row) {
      const ScaleCell& cell = kRowCells[row];
      if (cell.carry >= y1) break;
      const Share share(cell, y0, y1);
      for (std::size_t channel = 0; channel < 3; ++channel) {
        Sums& totals = totals_[row - kFirstRow][channel];
        const Sums& values = line.sums[channel];
        for (std::size_t column = from; column < to; ++column)
          totals[column] = static_cast<std::uint16_t>(totals[column] + values[column] * share.whole);
        if (share.carry != 0) add_part(values, share.carry, from, to, totals);
        if (share.end != 0) add_part(values, share.end, from, to, totals);
      }
    }
  }

  // Adds the score, which is gray.
  void add(const ScoreColumns& text) noexcept {
    for (std::size_t column = text.first(); column < text.end(); ++column) {
      // Padded with zeros above and below by the height of an output.
      constexpr std::size_t reach = kSurfaceHeight / kSide + 2;
      std::array<std::uint16_t, kMaxGlyphHeight + 2 * reach> values{};
      const std::uint16_t* const sums = text.rows(column);
      for (std::size_t y = 0; y < kMaxGlyphHeight; ++y) values[reach + y] = kAcross.mean(sums[y]);
      const std::int32_t top = text.top(), bottom = text.bottom();
      const std::uint16_t* const from_top = values.data() + reach;
      const auto value = [&](std::int32_t y) -> std::uint32_t { return from_top[y - top]; };
      for (std::size_t row = std::max(first_cell(kDown, top), kFirstRow); row < kSide; ++row) {
        const ScaleCell& cell = kRowCells[row];
        if (cell.carry >= bottom) break;
        if (cell.end < top) continue;
        std::uint32_t total =
            weighted(value(cell.carry), cell.carry_weight) + weighted(value(cell.end), cell.end_weight);
        for (std::int32_t y = cell.carry + 1; y < cell.end; ++y) total += value(y);
        for (Sums& totals : totals_[row - kFirstRow])
          totals[column] = static_cast<std::uint16_t>(totals[column] + total);
      }
    }
  }

  void write(Planes& planes) const noexcept {
    for (std::size_t row = kFirstRow; row < kSide; ++row)
      for (std::size_t channel = 0; channel < 3; ++channel)
        for (std::size_t column = 0; column < kSide; ++column)
          planes[channel][row * kSide + column] = kDown.mean(totals_[row - kFirstRow][channel][column]);
  }

 private:
  static void add_part(const Sums& values, std::int32_t weight, std::size_t from, std::size_t to,
                       Sums& totals) noexcept {
    for (std::size_t column = from; column < to; ++column)
      totals[column] = static_cast<std::uint16_t>(totals[column] + weighted(values[column], weight));
  }

  std::array<std::array<Sums, 3>, kSide - kFirstRow> totals_{};
};

}  // namespace

void IndicatorBox::draw(const Bars& bars, const ScoreText& text, Planes& planes) const noexcept {
  const ScoreColumns score(text, glyphs_);
  std::array<Bar, Bars::kMaxBars + 1> boxes;
  std::copy_n(bars.bars.begin(), bars.count, boxes.begin());
  std::size_t count = bars.count;
  boxes[count++] = score.box();

  // Between two neighbouring edges of boxes nothing changes along an axis except for the ink.
  std::array<std::int32_t, 2 * (Bars::kMaxBars + 1)> xs, ys;
  for (std::size_t i = 0; i < count; ++i) {
    xs[2 * i] = boxes[i].left;
    xs[2 * i + 1] = boxes[i].right + 1;
    ys[2 * i] = std::max(boxes[i].top, kIndicatorTop);
    ys[2 * i + 1] = std::max(boxes[i].bottom + 1, kIndicatorTop);
  }
  const std::span edges_x{xs.data(), 2 * count}, edges_y{ys.data(), 2 * count};
  std::ranges::sort(edges_x);
  std::ranges::sort(edges_y);

  RowTotals totals;
  for (std::size_t band = 0; band + 1 < edges_y.size(); ++band) {
    const std::int32_t top = edges_y[band], bottom = edges_y[band + 1];
    if (top == bottom) continue;
    Line line{};
    std::size_t from = kSide, to = 0;
    for (std::size_t piece = 0; piece + 1 < edges_x.size(); ++piece) {
      const std::int32_t left = edges_x[piece], right = edges_x[piece + 1];
      if (left == right) continue;
      const Bar* seen = nullptr;
      for (std::size_t i = 0; i < count; ++i)
        if (boxes[i].left <= left && boxes[i].right >= left && boxes[i].top <= top && boxes[i].bottom >= top)
          seen = &boxes[i];
      if (seen == nullptr || seen->colour == Rgb{}) continue;
      const std::array<std::uint8_t, 3> colour{seen->colour.red, seen->colour.green, seen->colour.blue};
      for (std::size_t column = first_cell(kAcross, left); column < kSide; ++column) {
        const ScaleCell& cell = kColumnCells[column];
        if (cell.carry >= right) break;
        from = std::min(from, column);
        to = column + 1;
        const Share share(cell, left, right);
        for (std::size_t channel = 0; channel < 3; ++channel)
          if (colour[channel] != 0)
            line.sums[channel][column] =
                static_cast<std::uint16_t>(line.sums[channel][column] + share.of(colour[channel]));
      }
    }
    line.scale(from, to);
    totals.add(line, from, to, top, bottom);
  }
  totals.add(score);
  totals.write(planes);
}

}  // namespace apexline::racing
