#include "racing/render/fast/indicators.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <stdexcept>

#include "racing/render/smoothscale.hpp"
#include "support/text.hpp"

namespace apexline::racing {
namespace {

constexpr double kUnitX = kSurfaceWidth / 40.0;   // `s` of _render_indicators, pixels
constexpr double kUnitY = kSurfaceHeight / 40.0;  // `h`, pixels
constexpr double kLeastShown = 1e-4;              // of a value that has a bar
constexpr std::int32_t kBoxTop = kSurfaceHeight - kIndicatorHeight;
constexpr std::int32_t kTextX = 60, kTextY = 750;  // centre of the score
constexpr std::size_t kFirstRow = kVisibleRows;

using Across = Smoothscale<kSurfaceWidth>;
using Down = Smoothscale<kSurfaceHeight>;
constexpr auto kColumns = Across::cells();
constexpr auto kRows = Down::cells();

using Sums = std::array<std::uint16_t, kSide>;

// A row of the surface, column by column of the image: sums of its pixels, and once scaled their means.
struct Line {
  std::array<Sums, 3> sums;

  void scale(std::size_t from, std::size_t to) noexcept {
    for (Sums& channel : sums)
      for (std::size_t column = from; column < to; ++column)
        channel[column] = static_cast<std::uint16_t>(channel[column] * Across::kReciprocal >> 16);
  }
};

std::int32_t pixel(double coordinate) noexcept {
  // Far outside of the surface it matters no more where.
  return static_cast<std::int32_t>(std::clamp(coordinate, -1e6, 1e6));
}

class BarLister {
 public:
  void upright(double place, double value, double length, Rgb colour) noexcept {
    if (!(std::abs(value) > kLeastShown)) return;
    const auto left = pixel(place * kUnitX), right = pixel((place + 1) * kUnitX);
    add(left, right, pixel(kSurfaceHeight - (kUnitY + kUnitY * length)), pixel(kSurfaceHeight - kUnitY), colour);
  }

  void lying(double place, double value, double length, Rgb colour) noexcept {
    if (!(std::abs(value) > kLeastShown)) return;
    const auto top = pixel(kSurfaceHeight - 4 * kUnitY), bottom = pixel(kSurfaceHeight - 2 * kUnitY);
    add(pixel((place + 0) * kUnitX), pixel((place + length) * kUnitX), top, bottom, colour);
  }

  [[nodiscard]] const Bars& bars() const noexcept { return bars_; }

 private:
  void add(std::int32_t x1, std::int32_t x2, std::int32_t y1, std::int32_t y2, Rgb colour) noexcept {
    const Bar bar{std::max(std::min(x1, x2), 0), std::max(std::min(y1, y2), 0),
                  std::min(std::max(x1, x2), kSurfaceWidth - 1), std::min(std::max(y1, y2), kSurfaceHeight - 1),
                  colour};
    if (bar.left <= bar.right && bar.top <= bar.bottom) bars_.bars[bars_.count++] = bar;
  }

  Bars bars_{};
};

// How many of the integers from `from` up to but without `to` lie from `low` up to but without `high`.
constexpr std::int32_t shared(std::int32_t from, std::int32_t to, std::int32_t low, std::int32_t high) noexcept {
  return std::max(std::min(to, high) - std::max(from, low), 0);
}

// How much of an output a run of pixels, from `from` up to but without `to`, makes up.
struct Share {
  constexpr Share(const ScaleCell& cell, std::int32_t from, std::int32_t to) noexcept
      : whole(static_cast<std::uint32_t>(shared(from, to, cell.carry + 1, cell.end))),
        carry(cell.carry >= from && cell.carry < to ? cell.carry_weight : 0),
        end(cell.end >= from && cell.end < to ? cell.end_weight : 0) {}

  [[nodiscard]] constexpr std::uint32_t of(std::uint32_t value) const noexcept {
    return value * whole + carried(value, carry) + carried(value, end);
  }

  std::uint32_t whole;  // pixels
  std::int32_t carry;   // weight of the pixel that the output before ended in
  std::int32_t end;     // weight of the pixel that this one ends in
};

// The first output that pixel `place` gives to; the one before ends at most in it.
template <int kLength>
constexpr std::size_t first_cell(std::int32_t place) noexcept {
  const auto guess = static_cast<std::size_t>(place * kSide / kLength);
  return guess > 0 ? guess - 1 : 0;
}

}  // namespace

// The score's pixels, ready to be added to the columns: for each column that may hold ink, what the rows of the surface
// add up to.
class TextSums {
 public:
  static constexpr std::size_t kMostRows = IndicatorBox::kMostHeight;

  TextSums(const ScoreText& text, const IndicatorBox& box) noexcept : height_(box.height_) {
    std::array<std::int32_t, ScoreText::kMost> places{};
    for (std::size_t i = 1; i < text.length; ++i)
      places[i] = places[i - 1] + box.steps_[text.characters[i - 1]][text.characters[i]];
    const auto width_of = [&](std::size_t i) {
      return static_cast<std::int32_t>(box.columns_[text.characters[i]].size());
    };
    width_ = (places[text.length - 1] >> kStepBits) + width_of(text.length - 1);
    left_ = kTextX - width_ / 2;
    top_ = kTextY - height_ / 2;
    first_ = first_cell<kSurfaceWidth>(std::max(left_, 0));
    end_ = first_;
    for (std::size_t i = 0; i < text.length; ++i)
      add(box.columns_[text.characters[i]], left_ + (places[i] >> kStepBits));
  }

  // What it covers, ink or black.
  [[nodiscard]] Bar cover() const noexcept {
    return {std::max(left_, 0), top_, std::min(left_ + width_, kSurfaceWidth) - 1, top_ + height_ - 1, {}};
  }
  [[nodiscard]] std::int32_t top() const noexcept { return top_; }
  [[nodiscard]] std::int32_t bottom() const noexcept { return top_ + height_; }
  // Columns from first() up to but without end() may hold ink.
  [[nodiscard]] std::size_t first() const noexcept { return first_; }
  [[nodiscard]] std::size_t end() const noexcept { return end_; }
  [[nodiscard]] const std::uint16_t* rows(std::size_t column) const noexcept { return sums_[column - first_].data(); }

 private:
  static constexpr int kStepBits = 6;
  static constexpr std::size_t kMostColumns = 40;
  using Sums = std::array<std::uint16_t, kMostRows>;

  void add(const std::vector<IndicatorBox::Column>& glyph, std::int32_t left) noexcept {
    std::size_t column = first_cell<kSurfaceWidth>(std::max(left, 0));
    for (std::size_t x = 0; x < glyph.size(); ++x) {
      const std::int32_t place = left + static_cast<std::int32_t>(x);
      if (place < 0) continue;
      while (column < kSide && kColumns[column].end < place) ++column;
      if (column >= kSide - 1 || column >= first_ + kMostColumns - 1) return;
      const ScaleCell& cell = kColumns[column];
      Sums& sums = sums_[column - first_];
      if (place < cell.end) {
        for (std::size_t y = 0; y < kMostRows; ++y) sums[y] = static_cast<std::uint16_t>(sums[y] + glyph[x][y]);
        end_ = std::max(end_, column + 1);
        continue;
      }
      Sums& next = sums_[column - first_ + 1];
      const std::int32_t rest = Across::kOne - cell.end_weight;
      for (std::size_t y = 0; y < kMostRows; ++y) {
        sums[y] = static_cast<std::uint16_t>(sums[y] + carried(glyph[x][y], cell.end_weight));
        next[y] = static_cast<std::uint16_t>(next[y] + carried(glyph[x][y], rest));
      }
      end_ = std::max(end_, column + 2);
    }
  }

  std::int32_t height_, width_, left_, top_;
  std::size_t first_ = 0, end_ = 0;
  std::array<Sums, kMostColumns> sums_{};
};

namespace {

// Rows of the surface, scaled along x, on their way to the rows of the image.
class RowTotals {
 public:
  // Adds the rows from y0 up to but without y1, which all hold `line`, between two columns.
  void add(const Line& line, std::size_t from, std::size_t to, std::int32_t y0, std::int32_t y1) noexcept {
    if (from >= to) return;
    for (std::size_t row = std::max(first_cell<kSurfaceHeight>(y0), kFirstRow); row < kSide; ++row) {
      const ScaleCell& cell = kRows[row];
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

  // Adds the text, whose columns show one gray that `line` gives where there is no ink.
  void add(const TextSums& text) noexcept {
    for (std::size_t column = text.first(); column < text.end(); ++column) {
      // With nothing above and below, as far as an output reaches.
      constexpr std::size_t reach = kSurfaceHeight / kSide + 2;
      std::array<std::uint16_t, TextSums::kMostRows + 2 * reach> values{};
      const std::uint16_t* const sums = text.rows(column);
      for (std::size_t y = 0; y < TextSums::kMostRows; ++y)
        values[reach + y] = static_cast<std::uint16_t>(std::uint32_t{sums[y]} * Across::kReciprocal >> 16);
      const std::int32_t top = text.top(), bottom = text.bottom();
      const std::uint16_t* const from_top = values.data() + reach;
      const auto value = [&](std::int32_t y) -> std::uint32_t { return from_top[y - top]; };
      for (std::size_t row = std::max(first_cell<kSurfaceHeight>(top), kFirstRow); row < kSide; ++row) {
        const ScaleCell& cell = kRows[row];
        if (cell.carry >= bottom) break;
        if (cell.end < top) continue;
        std::uint32_t total = carried(value(cell.carry), cell.carry_weight) + carried(value(cell.end), cell.end_weight);
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
          planes[channel][row * kSide + column] = static_cast<std::uint8_t>(
              std::uint32_t{totals_[row - kFirstRow][channel][column]} * Down::kReciprocal >> 16);
  }

 private:
  static void add_part(const Sums& values, std::int32_t weight, std::size_t from, std::size_t to,
                       Sums& totals) noexcept {
    for (std::size_t column = from; column < to; ++column)
      totals[column] = static_cast<std::uint16_t>(totals[column] + carried(values[column], weight));
  }

  std::array<std::array<Sums, 3>, kSide - kFirstRow> totals_{};
};

}  // namespace

Bars list_bars(const Scene& scene) noexcept {
  const double vx = static_cast<double>(scene.velocity_x), vy = static_cast<double>(scene.velocity_y);
  const double speed = std::sqrt(vx * vx + vy * vy);
  BarLister lister;
  lister.upright(5, speed, 0.02 * speed, {255, 255, 255});
  constexpr std::array<Rgb, kNumWheels> colours{{{0, 0, 255}, {0, 0, 255}, {51, 0, 255}, {51, 0, 255}}};
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {
    const double omega = scene.wheels[wheel].omega;
    lister.upright(7 + static_cast<double>(wheel), omega, 0.01 * omega, colours[wheel]);
  }
  const double steering = static_cast<double>(scene.steering_angle), spin = static_cast<double>(scene.spin);
  lister.lying(20, steering, -10.0 * steering, {0, 255, 0});
  lister.lying(30, spin, -0.8 * spin, {255, 0, 0});
  return lister.bars();
}

ScoreText score_text(double score) noexcept {
  ScoreText text;
  // Python rounds halves to even here, and keeps the sign of what rounds to zero.
  const double rounded = std::nearbyint(std::clamp(score, -1e18, 1e18));
  const bool minus = std::signbit(score);
  auto rest = static_cast<std::uint64_t>(std::abs(rounded));
  std::array<std::uint8_t, ScoreText::kMost> reversed{};
  std::size_t digits = 0;
  while (rest > 0 || digits + (minus ? 1 : 0) < 4) {
    reversed[digits++] = static_cast<std::uint8_t>(rest % 10);
    rest /= 10;
  }
  if (minus) text.characters[text.length++] = Glyphs::kMinus;
  while (digits > 0) text.characters[text.length++] = reversed[--digits];
  return text;
}

IndicatorBox::IndicatorBox(const Glyphs& glyphs) : height_(glyphs.height), steps_(glyphs.steps) {
  if (height_ < 1 || height_ > kMostHeight)
    throw std::invalid_argument(text("glyphs are ", height_, " pixels high; expected 1 to ", kMostHeight));
  const auto height = static_cast<std::size_t>(height_);
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

void IndicatorBox::draw(const Bars& bars, const ScoreText& text, Planes& planes) const noexcept {
  const TextSums inked(text, *this);
  std::array<Bar, Bars::kMost + 1> boxes;
  std::copy_n(bars.bars.begin(), bars.count, boxes.begin());
  std::size_t count = bars.count;
  boxes[count++] = inked.cover();

  // Between two neighbouring edges nothing changes along an axis, but for the ink.
  std::array<std::int32_t, 2 * (Bars::kMost + 1)> xs, ys;
  for (std::size_t i = 0; i < count; ++i) {
    xs[2 * i] = boxes[i].left;
    xs[2 * i + 1] = boxes[i].right + 1;
    ys[2 * i] = std::max(boxes[i].top, kBoxTop);
    ys[2 * i + 1] = std::max(boxes[i].bottom + 1, kBoxTop);
  }
  const std::span edges_x{xs.data(), 2 * count}, edges_y{ys.data(), 2 * count};
  std::sort(edges_x.begin(), edges_x.end());
  std::sort(edges_y.begin(), edges_y.end());

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
      for (std::size_t column = first_cell<kSurfaceWidth>(left); column < kSide; ++column) {
        const ScaleCell& cell = kColumns[column];
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
  totals.add(inked);
  totals.write(planes);
}

void draw_overlong_bars(const Bars& bars, Planes& planes) noexcept {
  for (std::size_t i = 0; i < bars.count; ++i) {
    const Bar& bar = bars.bars[i];
    if (bar.top >= kBoxTop) continue;
    const std::array<std::uint8_t, 3> colour{bar.colour.red, bar.colour.green, bar.colour.blue};
    const std::int32_t bottom = std::min(bar.bottom + 1, kBoxTop), right = bar.right + 1;
    constexpr std::int32_t whole = kSurfaceWidth * kSurfaceHeight;
    for (std::int32_t row = bar.top * kSide / kSurfaceHeight; row * kSurfaceHeight < bottom * kSide; ++row)
      for (std::int32_t column = bar.left * kSide / kSurfaceWidth; column * kSurfaceWidth < right * kSide; ++column) {
        const std::int32_t covered =
            shared(bar.left * kSide, right * kSide, column * kSurfaceWidth, (column + 1) * kSurfaceWidth) *
            shared(bar.top * kSide, bottom * kSide, row * kSurfaceHeight, (row + 1) * kSurfaceHeight);
        for (std::size_t channel = 0; channel < 3; ++channel) {
          std::uint8_t& value = planes[channel][static_cast<std::size_t>(row * kSide + column)];
          const std::int64_t painted = std::max(colour[channel] - 2, 0);
          value = static_cast<std::uint8_t>((static_cast<std::int64_t>(value) * (whole - covered) + painted * covered) /
                                            whole);
        }
      }
  }
}

}  // namespace apexline::racing
