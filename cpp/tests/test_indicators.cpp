#include "racing/render/fast/indicators.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>

#include "check.hpp"
#include "racing/render/smoothscale.hpp"
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

// The whole way: every pixel of the box is painted, then every pixel is scaled, as the game does it.
class Surface {
 public:
  void paint(const Bar& bar) {
    for (std::int32_t y = std::max(bar.top, 700); y <= bar.bottom; ++y)
      for (std::int32_t x = bar.left; x <= bar.right; ++x) at(x, y) = bar.colour;
  }

  void write(const ScoreText& text, const Glyphs& glyphs) {
    std::int32_t place = 0, width = 0;
    for (std::size_t i = 0; i < text.length; ++i) {
      width = place / 64 + glyphs.characters[text.characters[i]].width;
      if (i + 1 < text.length) place += glyphs.steps[text.characters[i]][text.characters[i + 1]];
    }
    const std::int32_t left = 60 - width / 2, top = 750 - glyphs.height / 2;
    for (std::int32_t y = top; y < top + glyphs.height; ++y)
      for (std::int32_t x = std::max(left, 0); x < left + width; ++x) at(x, y) = {};
    place = 0;
    for (std::size_t i = 0; i < text.length; ++i) {
      const Glyph& glyph = glyphs.characters[text.characters[i]];
      for (std::int32_t y = 0; y < glyphs.height; ++y)
        for (std::int32_t x = 0; x < glyph.width; ++x) {
          const std::uint8_t ink = glyph.coverage[static_cast<std::size_t>(y * glyph.width + x)];
          if (left + place / 64 + x >= 0) at(left + place / 64 + x, top + y) = {ink, ink, ink};
        }
      if (i + 1 < text.length) place += glyphs.steps[text.characters[i]][text.characters[i + 1]];
    }
  }

  // Rows 84 to 95 of one channel.
  std::vector<std::uint8_t> scaled(std::uint8_t Rgb::* channel) {
    std::vector<std::vector<std::uint8_t>> lines;
    for (std::int32_t y = 0; y < 800; ++y) {
      std::vector<std::uint8_t> line;
      for (std::int32_t x = 0; x < 1000; ++x) line.push_back(y < 700 ? std::uint8_t{0} : at(x, y).*channel);
      lines.push_back(shrink(line));
    }
    std::vector<std::uint8_t> out(12 * 96);
    for (std::size_t x = 0; x < 96; ++x) {
      std::vector<std::uint8_t> column;
      for (const auto& line : lines) column.push_back(line[x]);
      const auto small = shrink(column);
      for (std::size_t row = 84; row < 96; ++row) out[(row - 84) * 96 + x] = small[row];
    }
    return out;
  }

 private:
  Rgb& at(std::int32_t x, std::int32_t y) { return pixels_[static_cast<std::size_t>((y - 700) * 1000 + x)]; }

  // smoothscale along one line, as a walk over its pixels.
  static std::vector<std::uint8_t> shrink(const std::vector<std::uint8_t>& line) {
    const int space = static_cast<int>(0x4000 * line.size() / 96);
    const unsigned reciprocal = 0x40000000U / static_cast<unsigned>(space);
    std::vector<std::uint8_t> out;
    unsigned sum = 0;
    int left = space;
    for (const unsigned value : line) {
      if (left > 0x4000) {
        sum += value;
        left -= 0x4000;
        continue;
      }
      const int rest = 0x4000 - left;
      out.push_back(
          static_cast<std::uint8_t>((sum + (4 * value * static_cast<unsigned>(left) >> 16)) * reciprocal >> 16));
      sum = 4 * value * static_cast<unsigned>(rest) >> 16;
      left = space - rest;
    }
    return out;
  }

  std::vector<Rgb> pixels_ = std::vector<Rgb>(1000 * 100);
};

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

TEST(bars_have_the_games_corners) {
  Scene scene;
  CHECK(list_bars(scene).count == 0);
  scene.velocity_x = 30;
  scene.velocity_y = -40;
  scene.wheels[1].omega = -150;
  scene.wheels[2].omega = 5e-5;  // too little to be shown
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

TEST(the_weights_of_an_axis_cover_it) {
  const auto check = [](const auto& cells, std::int32_t length, std::int32_t space) {
    CHECK(cells.front().carry == -1);
    CHECK(cells.back().end == length - 1);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::int32_t whole = cells[i].end - cells[i].carry - 1;
      CHECK(cells[i].carry_weight + cells[i].end_weight + whole * 0x4000 == space);
      if (i > 0) CHECK(cells[i].carry == cells[i - 1].end);
      if (i > 0) CHECK(cells[i].carry_weight == 0x4000 - cells[i - 1].end_weight);
    }
  };
  check(Smoothscale<1000>::cells(), 1000, Smoothscale<1000>::kSpace);
  check(Smoothscale<800>::cells(), 800, Smoothscale<800>::kSpace);
}

TEST(the_box_is_what_painting_and_scaling_all_of_it_gives) {
  Random random(3);
  const auto planes = std::make_unique<Planes>();
  for (int round = 0; round < 12; ++round) {
    const Glyphs glyphs = random_glyphs(random);
    const IndicatorBox box(glyphs);
    // The ink must not reach the bars: four characters at most.
    const ScoreText text = score_text(random.chance(0.1) ? -7 : 1000 * random.unit());
    Scene scene = random_world(random).scene;
    if (round == 0) scene.spin = 18;  // leftwards over the other bars
    const Bars bars = list_bars(scene);
    Surface surface;
    for (std::size_t i = 0; i < bars.count; ++i) surface.paint(bars.bars[i]);
    surface.write(text, glyphs);
    for (Plane& plane : *planes) plane.fill(99);
    box.draw(bars, text, *planes);
    const std::array channels{&Rgb::red, &Rgb::green, &Rgb::blue};
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const Plane& plane = (*planes)[channel];
      const auto expected = surface.scaled(channels[channel]);
      CHECK(std::equal(expected.begin(), expected.end(), plane.begin() + 84 * 96));
      CHECK(std::all_of(plane.begin(), plane.begin() + 84 * 96, [](std::uint8_t v) { return v == 99; }));
    }
  }
}

TEST(bars_above_the_box_cover_their_share) {
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

TEST(a_score_too_long_for_its_place_is_cut_off) {
  Random random(4);
  const Glyphs glyphs = random_glyphs(random);
  const IndicatorBox box(glyphs);
  const auto planes = std::make_unique<Planes>();
  for (const double score : {1e17, -1e300, 123456789.0}) box.draw({}, score_text(score), *planes);
}

TEST(glyphs_that_are_no_table_are_refused) {
  Random random(5);
  Glyphs glyphs = random_glyphs(random);
  glyphs.height = 49;
  CHECK_THROWS(std::invalid_argument, "glyphs are 49 pixels high; expected 1 to 48", IndicatorBox(glyphs));
  glyphs.height = 46;
  glyphs.characters[3].coverage.pop_back();
  CHECK_THROWS(std::invalid_argument, "glyph 3 has", IndicatorBox(glyphs));
}
