#include "racing/render/indicators.hpp"

#include <cstdio>
#include <string>

#include "check.hpp"
#include "scenes.hpp"

using namespace apexline::racing;
using apexline::test::Random;
using apexline::test::random_glyphs;

namespace {

std::string written(double score) {
  const ScoreText text = score_text(score);
  std::string out;
  for (std::size_t i = 0; i < text.length; ++i)
    out += text.characters[i] == Glyphs::kMinus ? '-' : static_cast<char>('0' + text.characters[i]);
  return out;
}

}  // namespace

TEST(scores_are_written_in_four_places) {
  CHECK(written(0) == "0000");
  CHECK(written(-0.0) == "-000");
  CHECK(written(-0.3) == "-000");
  CHECK(written(0.5) == "0000");  // halves go to the even neighbour
  CHECK(written(1.5) == "0002");
  CHECK(written(-99.95) == "-100");
  CHECK(written(999.6) == "1000");
  CHECK(written(12345.4) == "12345");
  CHECK(written(-1234) == "-1234");
  for (double score = -1200; score < 1200; score += 0.7) {
    char expected[16];
    std::snprintf(expected, sizeof(expected), "%04.0f", score);
    CHECK(written(score) == expected);
  }
}

TEST(a_huge_score_is_limited) {
  CHECK(written(1e300) == "1000000000000000000");
  CHECK(written(-1e300) == "-1000000000000000000");
}

TEST(characters_are_placed_by_the_sum_of_their_steps) {
  Random random(2);
  Glyphs glyphs = random_glyphs(random);
  for (auto& steps : glyphs.steps) steps.fill(10 * 64 + 24);
  const ScoreLine line = lay_out(score_text(-123), glyphs);
  CHECK(line.text.length == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(line.x[i] == static_cast<std::int32_t>(i * 664 / 64));
  CHECK(line.width == line.x[3] + glyphs.characters[3].width);
}

TEST(bars_have_the_corners_of_the_game) {
  Scene scene;
  CHECK(list_bars(scene).count == 0);
  scene.velocity_x = 30;
  scene.velocity_y = -40;
  scene.wheels[1].omega = -150;
  scene.wheels[2].omega = 5e-5;  // below the threshold of a bar
  scene.wheels[3].omega = 100;
  scene.steering_angle = 0.2F;
  scene.spin = -2;
  const Bars bars = list_bars(scene);
  CHECK(bars.count == 5);
  const auto is = [&](std::size_t i, int left, int top, int right, int bottom, Rgb colour) {
    const Bar& b = bars.bars[i];
    return b.left == left && b.top == top && b.right == right && b.bottom == bottom && b.colour == colour;
  };
  CHECK(is(0, 125, 760, 150, 780, {255, 255, 255}));
  CHECK(is(1, 200, 780, 225, 799, {0, 0, 255}));  // 810, beyond the surface
  CHECK(is(2, 250, 760, 275, 780, {51, 0, 255}));
  CHECK(is(3, 449, 720, 500, 760, {0, 255, 0}));
  CHECK(is(4, 750, 720, 790, 760, {255, 0, 0}));
}
