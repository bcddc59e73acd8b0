// Small shapes by hand and thousands of random ones by their digests, which tests/oracle/test_pygame_draw.py confirms to be
// pygame's.
#include "racing/render/exact/pygame_draw.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "check.hpp"
#include "images.hpp"
#include "random.hpp"

using namespace apexline::racing;
using apexline::test::Digest;
using apexline::test::kInk;
using apexline::test::Random;
using apexline::test::text_of;

namespace {

using Points = std::vector<PixelPoint>;
using Draw = void (*)(Canvas&, std::span<const PixelPoint>, Rgb);

std::string drawn(Draw draw, const Points& points, int width = 6, int height = 5) {
  Canvas canvas(width, height);
  draw(canvas, points, kInk);
  return text_of(canvas);
}

std::uint64_t digest_of_many(Draw draw, std::size_t fewest) {
  Random random(7);
  Digest digest;
  const auto from = [&](int low, int high) { return low + static_cast<int>(random.below(high - low)); };
  for (int round = 0; round < 400; ++round) {
    Canvas canvas(120, 90);
    for (int shape = 0; shape < 5; ++shape) {
      const int reach = shape == 0 ? 8000 : shape == 1 ? 200 : 20;
      const int x = from(-20, 140);
      const int y = from(-20, 110);
      Points points(fewest + static_cast<std::size_t>(random.below(5)));
      for (PixelPoint& point : points) point = {x + from(-reach, reach), y + from(-reach, reach)};
      const auto channel = [&] { return static_cast<std::uint8_t>(random.below(256)); };
      draw(canvas, points, {channel(), channel(), channel()});
    }
    digest.add(canvas);
  }
  return digest.value();
}

}  // namespace

TEST(gfx_fills_a_square_up_to_its_corners) {
  const std::string square = "......\n.####.\n.####.\n.####.\n......\n";
  CHECK(drawn(gfx::fill_polygon, {{1, 1}, {4, 1}, {4, 3}, {1, 3}}) == square);
  CHECK(drawn(draw::fill_polygon, {{1, 1}, {4, 1}, {4, 3}, {1, 3}}) == square);
}

TEST(a_polygon_without_height_is_a_row_for_draw_and_nothing_for_gfx) {
  CHECK(drawn(gfx::fill_polygon, {{1, 1}, {4, 1}, {2, 1}}, 6, 2) == "......\n......\n");
  CHECK(drawn(draw::fill_polygon, {{1, 1}, {4, 1}, {2, 1}, {3, 1}}, 6, 2) == "......\n.####.\n");
}

TEST(draw_paints_level_edges_that_close_a_polygon_from_below) {
  // An L: its inner level edge lies between the first and the last row.
  const std::string l = "######\n######\n##....\n##....\n......\n";
  CHECK(drawn(draw::fill_polygon, {{0, 0}, {5, 0}, {5, 1}, {1, 1}, {1, 3}, {0, 3}}) == l);
}

TEST(an_outline_is_split_between_two_pixels) {
  // From (0, 0) to (4, 2) each step is half a row.
  Canvas canvas(6, 4);
  gfx::outline_polygon(canvas, Points{{0, 0}, {4, 2}, {0, 0}}, kInk);
  CHECK((canvas.row(0)[0] & 255) == 255);
  const auto blended_twice = [](int opacity) {
    const int once = 255 * opacity >> 8;
    return static_cast<std::uint32_t>(once + ((255 - once) * opacity >> 8));
  };
  CHECK((canvas.row(0)[1] & 255) == blended_twice(255 * 127 >> 8));
  CHECK((canvas.row(1)[1] & 255) == blended_twice(255 * 128 >> 8));
  CHECK((canvas.row(2)[1] & 255) == 0);
}

TEST(coordinates_of_gfx_have_16_bits) {
  const Points points{{1, 1}, {4, 1}, {4, 3}, {1, 3}};
  Points wrapped = points;
  for (PixelPoint& point : wrapped) point = {point.x + 65536, point.y - 65536};
  CHECK(drawn(gfx::fill_polygon, wrapped) == drawn(gfx::fill_polygon, points));
  CHECK(drawn(gfx::outline_polygon, wrapped) == drawn(gfx::outline_polygon, points));
}

TEST(lines_are_two_pixels_thick) {
  CHECK(drawn(draw::lines, {{1, 1}, {1, 3}}) == "......\n.##...\n.##...\n.##...\n......\n");
  CHECK(drawn(draw::lines, {{1, 1}, {4, 1}}) == "......\n.####.\n.####.\n......\n......\n");
  CHECK(drawn(draw::lines, {{2, 2}, {2, 2}}) == "......\n......\n..##..\n......\n......\n");
  CHECK(drawn(draw::lines, {{1, 1}, {4, 1}, {4, 3}}) == "......\n.#####\n.#####\n....##\n......\n");
}

// Only their pixels within the image are visited: two billion would take seconds.
TEST(lines_may_begin_and_end_anywhere) {
  constexpr int kLow = std::numeric_limits<int>::min(), kHigh = std::numeric_limits<int>::max();
  const std::string row = "......\n######\n######\n......\n......\n";
  const std::string column = "..##..\n..##..\n..##..\n..##..\n..##..\n";
  constexpr int kFar = 1'000'000'000;
  for (int i = 0; i < 1000; ++i) {
    CHECK(drawn(draw::lines, {{-kFar, 1}, {kFar, 1}}) == row && drawn(draw::lines, {{kFar, 1}, {-kFar, 1}}) == row);
    CHECK(drawn(draw::lines, {{2, -kFar}, {2, kFar}}) == column &&
          drawn(draw::lines, {{2, kFar}, {2, -kFar}}) == column);
  }
  const std::string none = "......\n......\n......\n......\n......\n";
  CHECK(drawn(draw::lines, {{kLow, kHigh}, {kHigh, kHigh}, {kHigh, kLow}, {kLow, kLow}, {kLow, kHigh}}) == none);
  CHECK(drawn(draw::lines, {{kLow, kLow}, {kHigh, kHigh}}) == "##....\n.##...\n..##..\n...##.\n....##\n");
  CHECK(drawn(draw::lines, {{kHigh, kHigh}, {kLow, kLow}}) == "##....\n.##...\n..##..\n...##.\n....##\n");
}

TEST(digests_of_many_shapes) {
  CHECK(digest_of_many(gfx::outline_polygon, 3) == 0x5D0EEEC95C0CA95E);
  CHECK(digest_of_many(gfx::fill_polygon, 3) == 0x6A943548CA142BF7);
  CHECK(digest_of_many(draw::fill_polygon, 4) == 0xAD690ACD5D0AC2C6);
  CHECK(digest_of_many(draw::lines, 2) == 0xA214FACFA46DE61F);
}
