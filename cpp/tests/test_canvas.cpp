#include "racing/render/exact/canvas.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "images.hpp"

using namespace apexline::racing;
using apexline::test::kInk;
using apexline::test::text_of;

TEST(a_new_canvas_is_black_and_its_size_is_checked) {
  CHECK(text_of(Canvas(3, 2)) == "...\n...\n");
  CHECK_THROWS(std::invalid_argument, "width is 0; expected 1 to 16384", Canvas(0, 4));
  CHECK_THROWS(std::invalid_argument, "height is 16385; expected 1 to 16384", Canvas(4, 16385));
}

TEST(rows_and_columns_are_clipped) {
  Canvas canvas(5, 4);
  canvas.fill_row(1, -7, 1, kInk);
  canvas.fill_row(2, 3, 99, kInk);
  canvas.fill_row(3, 2, 1, kInk);
  canvas.fill_row(-1, 0, 4, kInk);
  canvas.fill_row(4, 0, 4, kInk);
  CHECK(text_of(canvas) == ".....\n##...\n...##\n.....\n");
  canvas.clear();
  canvas.fill_column(0, -5, 0, kInk);
  canvas.fill_column(4, 2, 50, kInk);
  canvas.fill_column(2, 3, 2, kInk);
  canvas.fill_column(5, 0, 3, kInk);
  canvas.fill_column(-1, 0, 3, kInk);
  CHECK(text_of(canvas) == "#....\n.....\n....#\n....#\n");
}

TEST(blending_rounds_down_in_both_directions) {
  Canvas canvas(1, 1);
  canvas.set(0, 0, {10, 200, 0});
  canvas.blend(0, 0, {13, 197, 255}, 128);  // 10 + 1.5, 200 - 1.5, 127.5
  CHECK(canvas.row(0)[0] == (11U | 198U << 8 | 127U << 16));
  canvas.blend(0, 0, {255, 0, 77}, 0);
  CHECK(canvas.row(0)[0] == (11U | 198U << 8 | 127U << 16));
  canvas.blend(1, 0, kInk, 255);
  canvas.blend(0, -1, kInk, 255);
  CHECK(canvas.row(0)[0] == (11U | 198U << 8 | 127U << 16));
}

TEST(a_canvas_is_flipped_and_copied_as_bytes) {
  Canvas canvas(2, 3);
  canvas.set(0, 0, {1, 2, 3});
  canvas.set(1, 2, {4, 5, 6});
  canvas.flip();
  std::vector<std::uint8_t> bytes(18, 99);
  canvas.copy_to(bytes.data());
  const std::vector<std::uint8_t> expected{0, 0, 0, 4, 5, 6, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 0};
  CHECK(bytes == expected);
}
