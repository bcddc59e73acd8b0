#include "racing/render/indicators.hpp"

#include <algorithm>
#include <cmath>

namespace apexline::racing {
namespace {

// The box is measured in fortieths of the surface, pixels: `s` and `h` of _render_indicators.
constexpr double kColumn = kSurfaceWidth / 40.0;
constexpr double kLine = kSurfaceHeight / 40.0;
constexpr double kLeastShown = 1e-4;  // value below which a bar is left out

constexpr Rgb kSpeedColour{255, 255, 255};
constexpr std::array<Rgb, kNumWheels> kWheelColours{Rgb{0, 0, 255}, {0, 0, 255}, {51, 0, 255}, {51, 0, 255}};
constexpr Rgb kSteeringColour{0, 255, 0};
constexpr Rgb kSpinColour{255, 0, 0};

class BarLister {
 public:
  // One column wide, growing upwards.
  void add_upright(int column, double value, double lines_per_unit, Rgb colour) noexcept {
    if (!(std::abs(value) > kLeastShown)) return;
    const double foot = kSurfaceHeight - kLine;
    const double top = kSurfaceHeight - (kLine + kLine * (lines_per_unit * value));
    add({column * kColumn, top}, {(column + 1) * kColumn, foot}, colour);
  }

  // Two lines high, growing to the right, or to the left if the length is negative.
  void add_level(int column, double value, double columns_per_unit, Rgb colour) noexcept {
    if (!(std::abs(value) > kLeastShown)) return;
    const double top = kSurfaceHeight - 4 * kLine;
    const double foot = kSurfaceHeight - 2 * kLine;
    add({column * kColumn, top}, {(column + columns_per_unit * value) * kColumn, foot}, colour);
  }

  [[nodiscard]] const Bars& bars() const noexcept { return bars_; }

 private:
  void add(Point corner, Point opposite, Rgb colour) noexcept {
    const PixelPoint a = pixel_at(corner), b = pixel_at(opposite);
    const Bar bar{std::max(std::min(a.x, b.x), 0), std::max(std::min(a.y, b.y), 0),
                  std::min(std::max(a.x, b.x), kSurfaceWidth - 1), std::min(std::max(a.y, b.y), kSurfaceHeight - 1),
                  colour};
    if (bar.left <= bar.right && bar.top <= bar.bottom) bars_.bars[bars_.count++] = bar;
  }

  Bars bars_{};
};

}  // namespace

Bars list_bars(const Scene& scene) noexcept {
  const auto velocity_x = static_cast<double>(scene.velocity_x), velocity_y = static_cast<double>(scene.velocity_y);
  BarLister lister;
  lister.add_upright(5, std::sqrt(velocity_x * velocity_x + velocity_y * velocity_y), 0.02, kSpeedColour);
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel)
    lister.add_upright(7 + static_cast<int>(wheel), scene.wheels[wheel].omega, 0.01, kWheelColours[wheel]);
  lister.add_level(20, static_cast<double>(scene.steering_angle), -10, kSteeringColour);
  lister.add_level(30, static_cast<double>(scene.spin), -0.8, kSpinColour);
  return lister.bars();
}

ScoreText score_text(double score) noexcept {
  ScoreText text;
  const double rounded = std::nearbyint(std::clamp(score, -1e18, 1e18));
  const bool is_negative = std::signbit(score);
  auto rest = static_cast<std::uint64_t>(std::abs(rounded));
  std::array<std::uint8_t, ScoreText::kMaxLength> reversed{};
  std::size_t digits = 0;
  while (rest > 0 || digits + (is_negative ? 1 : 0) < 4) {
    reversed[digits++] = static_cast<std::uint8_t>(rest % 10);
    rest /= 10;
  }
  if (is_negative) text.characters[text.length++] = Glyphs::kMinus;
  while (digits > 0) text.characters[text.length++] = reversed[--digits];
  return text;
}

// A place is the sum of the steps before it, rounded down to a pixel once.
ScoreLine lay_out(const ScoreText& text, const Glyphs& glyphs) noexcept {
  ScoreLine line;
  line.text = text;
  std::int32_t place = 0;  // 1/64 pixel
  for (std::size_t i = 0; i < text.length; ++i) {
    if (i > 0) place += glyphs.steps[text.characters[i - 1]][text.characters[i]];
    line.x[i] = place >> 6;
    line.width = line.x[i] + glyphs.characters[text.characters[i]].width;
  }
  return line;
}

}  // namespace apexline::racing
