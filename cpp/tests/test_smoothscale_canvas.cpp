#include "racing/render/exact/smoothscale_canvas.hpp"

#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "images.hpp"
#include "random.hpp"

using namespace apexline::racing;
using apexline::test::Digest;
using apexline::test::kInk;
using apexline::test::Random;

namespace {

std::vector<std::uint8_t> shrunk(const Canvas& canvas, int width, int height) {
  SmoothScaler scaler(canvas.width(), canvas.height(), width, height);
  std::vector<std::uint8_t> rgb(static_cast<std::size_t>(3 * width * height));
  scaler.scale(canvas, rgb.data());
  return rgb;
}

}  // namespace

TEST(the_weights_of_a_side_cover_it) {
  for (const ScaledSide side : {ScaledSide{1000, 96}, ScaledSide{800, 96}, ScaledSide{1000, 600}, ScaledSide{7, 7}}) {
    std::vector<ScaleCell> cells(static_cast<std::size_t>(side.to));
    list_cells(side, cells);
    CHECK(cells.front().carry == -1);
    CHECK(cells.back().end == side.from - 1);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::int32_t whole = cells[i].end - cells[i].carry - 1;
      CHECK(cells[i].carry_weight + cells[i].end_weight + whole * kWholePixel == side.span);
      if (i > 0) CHECK(cells[i].carry == cells[i - 1].end);
      if (i > 0) CHECK(cells[i].carry_weight == kWholePixel - cells[i - 1].end_weight);
    }
  }
}

TEST(halving_takes_the_mean_and_rounds_down_twice) {
  Canvas canvas(2, 2);
  canvas.set(0, 0, {10, 0, 255});
  canvas.set(1, 0, {21, 0, 255});  // 15.5: 15
  canvas.set(0, 1, {18, 1, 255});
  canvas.set(1, 1, {18, 0, 255});  // 18; (15 + 18) / 2 is 16.5: 16
  CHECK(shrunk(canvas, 1, 1) == std::vector<std::uint8_t>{16, 0, 255});
}

TEST(the_same_size_changes_nothing) {
  Canvas canvas(3, 2);
  canvas.set(2, 1, {1, 2, 3});
  canvas.set(0, 0, {255, 254, 253});
  std::vector<std::uint8_t> same(18);
  canvas.copy_to(same.data());
  CHECK(shrunk(canvas, 3, 2) == same);
}

TEST(white_becomes_253_in_the_observation) {
  Canvas canvas(1000, 800);
  for (int y = 0; y < 800; ++y) canvas.fill_row(y, 0, 999, kInk);
  for (const std::uint8_t value : shrunk(canvas, 96, 96)) CHECK(value == 253);
}

TEST(images_do_not_depend_on_earlier_ones) {
  Canvas white(30, 20);
  for (int y = 0; y < 20; ++y) white.fill_row(y, 0, 29, kInk);
  SmoothScaler scaler(30, 20, 7, 9);
  std::vector<std::uint8_t> rgb(7 * 9 * 3);
  scaler.scale(white, rgb.data());
  CHECK(rgb.back() > 250);
  scaler.scale(Canvas(30, 20), rgb.data());
  for (const std::uint8_t value : rgb) CHECK(value == 0);
}

// tests/oracle/test_pygame_draw.py confirms the same sizes to equal pygame's.
TEST(digests_of_noise) {
  Random random(3);
  Canvas canvas(1000, 800);
  for (int y = 0; y < 800; ++y) {
    for (int x = 0; x < 1000; ++x) canvas.row(y)[x] = static_cast<std::uint32_t>(random.below(1 << 24));
  }
  const auto digest = [&](int width, int height) {
    Digest sum;
    for (const std::uint8_t value : shrunk(canvas, width, height)) sum.add(value);
    return sum.value();
  };
  CHECK(digest(600, 400) == 0xDA8FBC590B4E0FF6);
  CHECK(digest(96, 96) == 0x8F7EC732D0565FA4);
  CHECK(digest(999, 800) == 0x6F7D7C022162F058);
}

TEST(invalid_sizes_raise) {
  CHECK_THROWS(std::invalid_argument, "width is 11; expected from 1 to 10", SmoothScaler(10, 10, 11, 10));
  CHECK_THROWS(std::invalid_argument, "height is 0; expected from 1 to 10", SmoothScaler(10, 10, 10, 0));
  CHECK_THROWS(std::invalid_argument, "width is 1; expected from 2 to 257", SmoothScaler(257, 10, 1, 1));
}
