#include "apexline/racing/indicators.hpp"

#include <algorithm>
#include <cmath>

#include "apexline/racing/smoothscale.hpp"

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

// Of one channel and row of the surface, what the columns add up to before they are scaled.
using Sums = std::array<std::uint16_t, kSide>;
struct Line {
  std::array<Sums, 3> sums;
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

// What a run of equal pixels gives to an output.
constexpr std::uint32_t part(const ScaleCell& cell, std::int32_t from, std::int32_t to, std::uint32_t value) noexcept {
  std::uint32_t sum = value * static_cast<std::uint32_t>(shared(from, to, cell.carry + 1, cell.end));
  if (cell.carry >= from && cell.carry < to) sum += carried(value, cell.carry_weight);
  if (cell.end >= from && cell.end < to) sum += carried(value, cell.end_weight);
  return sum;
}

// The first output that pixel `place` gives to; the one before ends at most in it.
template <int kLength>
constexpr std::size_t first_cell(std::int32_t place) noexcept {
  const auto guess = static_cast<std::size_t>(place * kSide / kLength);
  return guess > 0 ? guess - 1 : 0;
}

// The score's pixels, ready to be added to the columns: sums of its rows, a row of the surface each.
class Text {
 public:
  static constexpr std::int32_t kMostRows = 64;
  static constexpr std::size_t kMostColumns = 40;

  Text(const ScoreText& text, const Glyphs& glyphs) noexcept : height_(std::min(glyphs.height, kMostRows)) {
    std::array<std::int32_t, ScoreText::kMost> places{};
    std::int32_t place = 0;
    for (std::size_t i = 0; i < text.length; ++i) {
      if (i > 0) place += glyphs.steps[text.characters[i - 1]][text.characters[i]];
      places[i] = place >> 6;
    }
    const auto last = text.length - 1;
    width_ = places[last] + glyphs.characters[text.characters[last]].width;
    left_ = kTextX - width_ / 2;
    top_ = kTextY - height_ / 2;
    first_ = first_cell<kSurfaceWidth>(std::max(left_, 0));
    for (std::size_t i = 0; i < text.length; ++i) add(glyphs.characters[text.characters[i]], left_ + places[i]);
  }

  // The box behind it, black.
  [[nodiscard]] Bar box() const noexcept {
    return {std::max(left_, 0), std::max(top_, 0), std::min(left_ + width_, kSurfaceWidth) - 1,
            std::min(top_ + height_, kSurfaceHeight) - 1, {}};
  }
  [[nodiscard]] bool has_row(std::int32_t y) const noexcept { return y >= top_ && y < top_ + height_; }
  // Columns from first() up to but without end() may hold ink.
  [[nodiscard]] std::size_t first() const noexcept { return first_; }
  [[nodiscard]] std::size_t end() const noexcept { return end_; }
  [[nodiscard]] std::uint16_t sum(std::int32_t y, std::size_t column) const noexcept {
    return sums_[column - first_][static_cast<std::size_t>(y - top_)];
  }

 private:
  using Column = std::array<std::uint16_t, kMostRows>;

  void add(const Glyph& glyph, std::int32_t left) noexcept {
    std::size_t column = first_cell<kSurfaceWidth>(std::max(left, 0));
    for (std::int32_t x = 0; x < glyph.width; ++x) {
      const std::int32_t place = left + x;
      if (place < 0 || place >= kSurfaceWidth) continue;
      while (column < kSide && kColumns[column].end < place) ++column;
      if (column >= first_ + kMostColumns - 1 || column >= kSide) return;
      const std::uint8_t* inks = glyph.coverage.data() + x;
      const auto step = static_cast<std::size_t>(glyph.width);
      const ScaleCell& cell = kColumns[column];
      Column& sums = sums_[column - first_];
      end_ = std::max(end_, column + 1);
      if (place < cell.end) {
        for (std::size_t y = 0; y < static_cast<std::size_t>(height_); ++y)
          sums[y] = static_cast<std::uint16_t>(sums[y] + inks[y * step]);
        continue;
      }
      Column& next = sums_[column - first_ + 1];
      for (std::size_t y = 0; y < static_cast<std::size_t>(height_); ++y) {
        sums[y] = static_cast<std::uint16_t>(sums[y] + carried(inks[y * step], cell.end_weight));
        next[y] = static_cast<std::uint16_t>(next[y] + carried(inks[y * step], Across::kOne - cell.end_weight));
      }
      end_ = std::max(end_, std::min<std::size_t>(column + 2, kSide));
    }
  }

  std::int32_t height_, width_, left_, top_;
  std::size_t first_ = 0, end_ = 0;
  std::array<Column, kMostColumns> sums_{};
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

void draw_indicators(const Bars& bars, const ScoreText& text_of, const Glyphs& glyphs,
                     std::array<Plane, 3>& planes) noexcept {
  const Text text(text_of, glyphs);
  std::array<Bar, Bars::kMost + 1> boxes;
  std::copy_n(bars.bars.begin(), bars.count, boxes.begin());
  std::size_t count = bars.count;
  if (text.end() > 0) boxes[count++] = text.box();

  // Between two neighbouring edges nothing changes along an axis.
  std::array<std::int32_t, 2 * (Bars::kMost + 1) + 2> xs, ys;
  std::size_t num_xs = 0, num_ys = 0;
  ys[num_ys++] = kBoxTop;
  ys[num_ys++] = kSurfaceHeight;
  for (std::size_t i = 0; i < count; ++i) {
    xs[num_xs++] = boxes[i].left;
    xs[num_xs++] = boxes[i].right + 1;
    ys[num_ys++] = std::max(boxes[i].top, kBoxTop);
    ys[num_ys++] = std::max(boxes[i].bottom + 1, kBoxTop);
  }
  std::sort(xs.begin(), xs.begin() + static_cast<std::ptrdiff_t>(num_xs));
  std::sort(ys.begin(), ys.begin() + static_cast<std::ptrdiff_t>(num_ys));

  using Totals = std::array<std::array<std::uint16_t, kSide>, 3>;
  std::array<Totals, kSide - kFirstRow> totals{};
  // Adds equal rows of scaled bytes, columns `from` to `to`, from row y0 up to but without y1.
  const auto add_rows = [&](const Line& line, std::size_t from, std::size_t to, std::int32_t y0, std::int32_t y1) {
    for (std::size_t row = std::max(first_cell<kSurfaceHeight>(y0), kFirstRow); row < kSide; ++row) {
      const ScaleCell& cell = kRows[row];
      if (cell.carry >= y1) break;
      const auto whole = static_cast<std::uint16_t>(shared(y0, y1, cell.carry + 1, cell.end));
      const auto carry = static_cast<std::uint16_t>(cell.carry >= y0 && cell.carry < y1 ? cell.carry_weight : 0);
      const auto end = static_cast<std::uint16_t>(cell.end >= y0 && cell.end < y1 ? cell.end_weight : 0);
      if (whole == 0 && carry == 0 && end == 0) continue;
      for (std::size_t channel = 0; channel < 3; ++channel)
        for (std::size_t column = from; column < to; ++column) {
          const std::uint32_t value = line.sums[channel][column] * Across::kReciprocal >> 16;
          std::uint16_t& total = totals[row - kFirstRow][channel][column];
          total = static_cast<std::uint16_t>(total + value * whole + carried(value, carry) + carried(value, end));
        }
    }
  };

  for (std::size_t band = 0; band + 1 < num_ys; ++band) {
    const std::int32_t top = ys[band], bottom = ys[band + 1];
    if (top == bottom) continue;
    Line line{};
    for (std::size_t piece = 0; piece + 1 < num_xs; ++piece) {
      const std::int32_t left = xs[piece], right = xs[piece + 1];
      if (left == right) continue;
      const Bar* seen = nullptr;
      for (std::size_t i = 0; i < count; ++i)
        if (boxes[i].left <= left && boxes[i].right >= left && boxes[i].top <= top && boxes[i].bottom >= top)
          seen = &boxes[i];
      if (seen == nullptr || seen->colour == Rgb{}) continue;
      for (std::size_t column = first_cell<kSurfaceWidth>(left); column < kSide; ++column) {
        const ScaleCell& cell = kColumns[column];
        if (cell.carry >= right) break;
        const auto give = [&](std::size_t channel, std::uint8_t value) {
          line.sums[channel][column] =
              static_cast<std::uint16_t>(line.sums[channel][column] + part(cell, left, right, value));
        };
        give(0, seen->colour.red);
        give(1, seen->colour.green);
        give(2, seen->colour.blue);
      }
    }
    if (!text.has_row(top) || text.end() == 0) {
      add_rows(line, 0, kSide, top, bottom);
      continue;
    }
    add_rows(line, 0, text.first(), top, bottom);
    add_rows(line, text.end(), kSide, top, bottom);
    for (std::int32_t y = top; y < bottom; ++y) {
      Line inked = line;
      for (auto& sums : inked.sums)
        for (std::size_t column = text.first(); column < text.end(); ++column)
          sums[column] = static_cast<std::uint16_t>(sums[column] + text.sum(y, column));
      add_rows(inked, text.first(), text.end(), y, y + 1);
    }
  }
  for (std::size_t row = kFirstRow; row < kSide; ++row)
    for (std::size_t channel = 0; channel < 3; ++channel)
      for (std::size_t column = 0; column < kSide; ++column)
        planes[channel][row * kSide + column] = static_cast<std::uint8_t>(
            totals[row - kFirstRow][channel][column] * Down::kReciprocal >> 16);
}

void draw_overlong_bars(const Bars& bars, std::array<Plane, 3>& planes) noexcept {
  for (std::size_t i = 0; i < bars.count; ++i) {
    const Bar& bar = bars.bars[i];
    if (bar.top >= kBoxTop) continue;
    const std::array<std::uint8_t, 3> colour{bar.colour.red, bar.colour.green, bar.colour.blue};
    const std::int32_t bottom = std::min(bar.bottom + 1, kBoxTop), right = bar.right + 1;
    constexpr std::int32_t whole = kSurfaceWidth * kSurfaceHeight;
    for (std::int32_t row = bar.top * kSide / kSurfaceHeight; row * kSurfaceHeight < bottom * kSide; ++row)
      for (std::int32_t column = bar.left * kSide / kSurfaceWidth; column * kSurfaceWidth < right * kSide; ++column) {
        const std::int32_t covered = shared(bar.left * kSide, right * kSide, column * kSurfaceWidth,
                                            (column + 1) * kSurfaceWidth) *
                                     shared(bar.top * kSide, bottom * kSide, row * kSurfaceHeight,
                                            (row + 1) * kSurfaceHeight);
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
