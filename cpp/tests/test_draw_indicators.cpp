#include "racing/render/exact/draw_indicators.hpp"

#include <cstddef>
#include <string>

#include "check.hpp"
#include "images.hpp"

using namespace apexline::racing;
using apexline::test::text_of;

namespace {

// Characters of 2x2 pixels: the upper row is gray with the value index + 1, the lower white.
Glyphs two_by_two() {
  Glyphs glyphs;
  glyphs.height = 2;
  for (std::size_t i = 0; i < Glyphs::kCount; ++i) {
    const auto grey = static_cast<std::uint8_t>(i + 1);
    glyphs.characters[i] = {2, {grey, grey, 255, 255}};
    glyphs.steps[i].fill(2 * 64);
  }
  return glyphs;
}

// The characters, identified by their gray values.
std::string written(double score) {
  Canvas canvas(32, 2);
  draw_score(canvas, score, two_by_two(), {16, 1});
  std::string text;
  for (int x = 0; x < 32; x += 2) {
    const std::uint32_t grey = canvas.row(0)[x] & 255;
    if (grey > 0) text += "0123456789-"[grey - 1];
  }
  return text;
}

}  // namespace

TEST(scores_are_formatted_as_in_python) {
  CHECK(written(0) == "0000");
  CHECK(written(7.5) == "0008");
  CHECK(written(8.5) == "0008");
  CHECK(written(-0.2) == "-000");
  CHECK(written(-12.7) == "-013");
  CHECK(written(923.4999) == "0923");
  CHECK(written(-12345) == "-12345");
}

TEST(text_is_centred_and_clipped) {
  Canvas canvas(12, 4);
  draw_score(canvas, 0, two_by_two(), {6, 2});
  CHECK(text_of(canvas) == "............\n..++++++++..\n..########..\n............\n");
  canvas.clear();
  draw_score(canvas, 0, two_by_two(), {1, 0});
  CHECK(text_of(canvas) == "#####.......\n............\n............\n............\n");
}

TEST(the_box_is_opaque) {
  Canvas canvas(12, 4);
  for (int y = 0; y < 4; ++y) canvas.fill_row(y, 0, 11, {9, 9, 9});
  Glyphs glyphs = two_by_two();
  glyphs.characters[0].coverage = {0, 0, 0, 0};
  draw_score(canvas, 0, glyphs, {6, 2});
  CHECK(text_of(canvas) == "++++++++++++\n++........++\n++........++\n++++++++++++\n");
}

TEST(steps_are_summed_before_they_are_rounded_to_pixels) {
  Glyphs glyphs = two_by_two();
  glyphs.steps[0].fill(2 * 64 + 32);  // at 0, 2.5, 5 and 7.5 pixels
  Canvas canvas(12, 2);
  draw_score(canvas, 0, glyphs, {6, 1});
  CHECK(text_of(canvas) == "..++++.++++.\n..####.####.\n");
}

TEST(overlapping_characters_have_the_greater_coverage) {
  Glyphs glyphs = two_by_two();
  glyphs.steps[0].fill(64);
  glyphs.characters[0].coverage = {255, 0, 0, 255};
  Canvas canvas(5, 2);
  draw_score(canvas, 0, glyphs, {2, 1});
  CHECK(text_of(canvas) == "####.\n.####\n");
}
