// Compares the box of the fast renderer with that of the exact renderer after smoothscale.
#include "racing/render/fast/indicator_box.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "check.hpp"
#include "racing/render/exact/draw_indicators.hpp"
#include "racing/render/exact/smoothscale_canvas.hpp"
#include "racing/render/fast/overlong_bars.hpp"
#include "scenes.hpp"

using namespace apexline::racing;
using apexline::test::Random;
using apexline::test::random_glyphs;

namespace {

// (96, 96, 3) bytes
std::vector<std::uint8_t> exact_observation(const Scene& scene, const Glyphs& glyphs) {
  Canvas canvas(kSurfaceWidth, kSurfaceHeight);
  draw_indicators(canvas, scene, glyphs);
  SmoothScaler scaler(kSurfaceWidth, kSurfaceHeight, kSide, kSide);
  std::vector<std::uint8_t> rgb(3 * kSide * kSide);
  scaler.scale(canvas, rgb.data());
  return rgb;
}

}  // namespace

TEST(the_box_equals_that_of_the_exact_renderer) {
  Random random(3);
  const auto planes = std::make_unique<Planes>();
  for (int round = 0; round < 30; ++round) {
    const Glyphs glyphs = random_glyphs(random);
    const IndicatorBox box(glyphs);
    auto world = apexline::test::random_world(random);
    Scene& scene = world.scene;
    // The ink must not reach the bars: four characters at most.
    scene.score = random.chance(0.1) ? -7 : 1000 * random.unit();
    if (round == 0) scene.spin = 18;                          // to the left, over the other bars
    if (round == 1) scene.velocity_x = 300;                   // above the box
    if (round == 2) scene.wheels[2].omega = 1e12;             // far outside of the surface
    if (round == 3) scene.steering_angle = scene.spin = 5e-5F;  // below the threshold of a bar
    for (Plane& plane : *planes) plane.fill(99);
    box.draw(list_bars(scene), score_text(scene.score), *planes);
    const auto expected = exact_observation(scene, glyphs);
    int wrong = 0;
    for (std::size_t i = 0; i < kSide * kSide; ++i)
      for (std::size_t channel = 0; channel < 3; ++channel)
        wrong += (*planes)[channel][i] != (i < 84 * kSide ? 99 : expected[3 * i + channel]);
    CHECK(wrong == 0);
  }
}

TEST(bars_above_the_box_are_blended_by_coverage) {
  const auto planes = std::make_unique<Planes>();
  for (Plane& plane : *planes) plane.fill(100);
  Bars bars{};
  bars.bars[bars.count++] = {0, 650, 499, 780, {255, 0, 102}};
  bars.bars[bars.count++] = {600, 720, 700, 760, {255, 255, 255}};
  draw_overlong_bars(bars, *planes);
  const auto at = [&](std::size_t channel, std::size_t row, std::size_t column) {
    return (*planes)[channel][row * 96 + column];
  };
  CHECK(at(0, 80, 10) == 253 && at(1, 80, 10) == 0 && at(2, 80, 10) == 100);
  CHECK(at(0, 78, 47) == 253);
  CHECK(at(0, 77, 47) == 100 && at(0, 78, 48) == 100 && at(0, 84, 10) == 100 && at(0, 83, 60) == 100);
}

TEST(a_score_that_is_too_long_is_clipped) {
  Random random(4);
  const Glyphs glyphs = random_glyphs(random);
  const IndicatorBox box(glyphs);
  const auto planes = std::make_unique<Planes>();
  for (const double score : {1e17, -1e300, 123456789.0}) box.draw({}, score_text(score), *planes);
}

TEST(invalid_glyphs_raise) {
  Random random(5);
  Glyphs glyphs = random_glyphs(random);
  glyphs.height = 49;
  CHECK_THROWS(std::invalid_argument, "glyph height is 49; expected 1 to 48", IndicatorBox(glyphs));
  glyphs.height = 46;
  glyphs.characters[3].coverage.pop_back();
  CHECK_THROWS(std::invalid_argument, "glyph 3 has", IndicatorBox(glyphs));
}
