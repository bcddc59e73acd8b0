#include "racing/render/exact/dashboard.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "racing/render/camera.hpp"
#include "racing/render/exact/pygame_draw.hpp"
#include "racing/render/exact/written_score.hpp"

namespace apexline::racing {
namespace {

// The strip is measured in fortieths of the window, pixels.
constexpr double kColumn = kSurfaceWidth / 40.0;
constexpr double kLine = kSurfaceHeight / 40.0;
constexpr double kLeast = 1e-4;  // of a value that has a bar

constexpr PixelPoint kScoreCentre{60, static_cast<int>(kSurfaceHeight - kSurfaceHeight * 2.5 / 40)};

constexpr Rgb kBlack{0, 0, 0};
constexpr Rgb kSpeedColour{255, 255, 255};
constexpr std::array<Rgb, kNumWheels> kWheelColours{Rgb{0, 0, 255}, {0, 0, 255}, {51, 0, 255}, {51, 0, 255}};
constexpr Rgb kSteeringColour{0, 255, 0};
constexpr Rgb kSpinColour{255, 0, 0};

void fill(Canvas& canvas, const Quad& corners, Rgb colour) {
  std::array<PixelPoint, 4> pixels;
  std::transform(corners.begin(), corners.end(), pixels.begin(), &pixel_at);
  draw::fill_polygon(canvas, pixels, colour);
}

// Grows upwards; one column wide.
void vertical_bar(Canvas& canvas, int column, double value, double scale, Rgb colour) {
  if (!(std::abs(value) > kLeast)) return;
  const double top = kSurfaceHeight - (kLine + kLine * (scale * value));
  const double foot = kSurfaceHeight - kLine;
  const double left = column * kColumn;
  const double right = (column + 1) * kColumn;
  fill(canvas, {{{left, top}, {right, top}, {right, foot}, {left, foot}}}, colour);
}

// Grows to the right, or to the left where it is negative; two lines high.
void level_bar(Canvas& canvas, int column, double value, double scale, Rgb colour) {
  if (!(std::abs(value) > kLeast)) return;
  const double top = kSurfaceHeight - 4 * kLine;
  const double foot = kSurfaceHeight - 2 * kLine;
  const double from = column * kColumn;
  const double to = (column + scale * value) * kColumn;
  fill(canvas, {{{from, top}, {to, top}, {to, foot}, {from, foot}}}, colour);
}

}  // namespace

void draw_dashboard(Canvas& canvas, const Scene& scene, const Glyphs& glyphs) {
  const double edge = kSurfaceHeight - 5 * kLine;
  fill(canvas, {{{kSurfaceWidth, kSurfaceHeight}, {kSurfaceWidth, edge}, {0, edge}, {0, kSurfaceHeight}}}, kBlack);

  const double velocity_x = scene.velocity_x;
  const double velocity_y = scene.velocity_y;
  vertical_bar(canvas, 5, std::sqrt(velocity_x * velocity_x + velocity_y * velocity_y), 0.02, kSpeedColour);
  for (std::size_t i = 0; i < kNumWheels; ++i)
    vertical_bar(canvas, 7 + static_cast<int>(i), scene.wheels[i].omega, 0.01, kWheelColours[i]);
  level_bar(canvas, 20, scene.steering_angle, -10, kSteeringColour);
  level_bar(canvas, 30, scene.spin, -0.8, kSpinColour);

  draw_score(canvas, scene.score, glyphs, kScoreCentre);
}

}  // namespace apexline::racing
