#include "racing/render/fast/frame_writer.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <ranges>

#include "check.hpp"
#include "random.hpp"
#include "variants.hpp"

using namespace apexline::racing;
using apexline::test::Random;
using apexline::test::supported_isas;

namespace {

std::unique_ptr<Planes> random_planes(Random& random) {
  auto planes = std::make_unique<Planes>();
  for (Plane& plane : *planes)
    for (std::uint8_t& value : plane) value = static_cast<std::uint8_t>(random.below(256));
  return planes;
}

// The wrappers' definition, pixel by pixel.
class Expected {
 public:
  Expected(const Planes& planes, const FrameFormat& format) : planes_(planes), format_(format) {}

  std::vector<std::uint8_t> frame() const {
    const auto [height, width] = format_.frame_size;
    const int channels = format_.gray ? 1 : 3;
    std::vector<std::uint8_t> out;
    if (format_.gray || format_.channels_first)
      for (int channel = 0; channel < channels; ++channel)
        for (int i = 0; i < height * width; ++i) out.push_back(mean(channel, i / width, i % width));
    else
      for (int i = 0; i < height * width; ++i)
        for (int channel = 0; channel < 3; ++channel) out.push_back(mean(channel, i / width, i % width));
    return out;
  }

 private:
  int value(int channel, int y, int x) const {
    const auto place = static_cast<std::size_t>(y * kSide + x + (format_.crop_hud ? FrameFormat::kCropLeft : 0));
    if (!format_.gray) return planes_[static_cast<std::size_t>(channel)][place];
    return (299 * planes_[0][place] + 587 * planes_[1][place] + 114 * planes_[2][place] + 500) / 1000;
  }

  std::uint8_t mean(int channel, int i, int k) const {
    const int side = format_.visible_side();
    const auto [height, width] = format_.frame_size;
    const auto overlap = [&](int size, int cell, int pixel) {
      return std::min((cell + 1) * side, (pixel + 1) * size) - std::max(cell * side, pixel * size);
    };
    int sum = 0;
    for (int y = i * side / height; y < side && overlap(height, i, y) > 0; ++y)
      for (int x = k * side / width; x < side && overlap(width, k, x) > 0; ++x)
        sum += overlap(height, i, y) * overlap(width, k, x) * value(channel, y, x);
    return static_cast<std::uint8_t>((2 * sum + side * side) / (2 * side * side));
  }

  const Planes& planes_;
  const FrameFormat format_;
};

}  // namespace

TEST(every_format_equals_the_wrappers) {
  Random random(7);
  const auto size_of = [](int side) { return FrameSize(side); };
  std::vector<FrameSize> sizes{{84, 96}, {96, 84}, {1, 96}, {96, 1}, {50, 77}, {77, 50}, {95, 3}, {48, 96}, {42, 84}};
  std::ranges::transform(std::views::iota(1, kSide + 1), std::back_inserter(sizes), size_of);
  for (const apexline::Isa isa : supported_isas())
    for (const bool crop_hud : {false, true})
      for (const int layout : {0, 1, 2})
        for (const FrameSize size : sizes) {
          const FrameFormat format{crop_hud, layout == 0, size, layout == 2};
          if (std::max(size.height, size.width) > format.visible_side()) continue;
          const auto planes = random_planes(random);
          FrameWriter writer(format, raster_kernels(isa));
          std::vector<std::uint8_t> frame(format.bytes() + 64, 77);
          writer.write(*planes, frame.data());
          const auto expected = Expected(*planes, format).frame();
          CHECK(std::equal(expected.begin(), expected.end(), frame.begin()));
          CHECK(std::all_of(frame.begin() + static_cast<std::ptrdiff_t>(format.bytes()), frame.end(),
                            [](std::uint8_t v) { return v == 77; }));
        }
}

TEST(shapes) {
  using Extents = std::vector<std::ptrdiff_t>;
  FrameFormat format{.frame_size = {50, 77}};
  CHECK(format.shape().extents() == Extents({50, 77, 3}) && format.shape().channel_axis == 2);
  format.channels_first = true;
  CHECK(format.shape().extents() == Extents({3, 50, 77}) && format.shape().channel_axis == 0);
  format.gray = true;
  CHECK(format.shape().extents() == Extents({50, 77}) && format.shape().channel_axis == FrameShape::kNoAxis);
  CHECK(format.shape().channels == 1 && format.bytes() == 50 * 77);
  format.keep_dim = true;
  CHECK(format.shape().extents() == Extents({1, 50, 77}));
  format.channels_first = false;
  CHECK(format.shape().extents() == Extents({50, 77, 1}));
}

TEST(gray_is_exact_for_every_colour) {
  const auto planes = std::make_unique<Planes>();
  std::vector<std::uint8_t> out(static_cast<std::size_t>(kSide) * kSide);
  for (const apexline::Isa isa : supported_isas()) {
    int wrong = 0;
    for (std::size_t first = 0; first < 1 << 24; first += out.size()) {
      for (std::size_t i = 0; i < out.size(); ++i)
        for (std::size_t channel = 0; channel < 3; ++channel)
          (*planes)[channel][i] = static_cast<std::uint8_t>((first + i) >> 8 * channel);
      raster_kernels(isa).gray(*planes, 0, kSide, kSide, out.data());
      for (std::size_t i = 0; i < out.size(); ++i)
        wrong += out[i] != (299 * (*planes)[0][i] + 587 * (*planes)[1][i] + 114 * (*planes)[2][i] + 500) / 1000;
    }
    CHECK(wrong == 0);
  }
}

TEST(sizes_out_of_range_raise) {
  const auto check = [](bool crop_hud, FrameSize size) {
    check_frame_size({.crop_hud = crop_hud, .frame_size = size});
  };
  CHECK_THROWS(std::invalid_argument, "frame_size is (0, 0); expected (1, 1) to (96, 96)", check(false, 0));
  CHECK_THROWS(std::invalid_argument, "frame_size is (9, 0); expected (1, 1) to (96, 96)", check(false, {9, 0}));
  CHECK_THROWS(std::invalid_argument, "frame_size is (84, 85); expected (1, 1) to (84, 84)", check(true, {84, 85}));
  CHECK_THROWS(std::invalid_argument, "frame_size is (97, 3); expected (4, 4) to (800, 1000)", check(false, {97, 3}));
  CHECK_THROWS(std::invalid_argument, "frame_size is (801, 9); expected (4, 4) to (800, 1000)", check(false, {801, 9}));
  check(false, {800, 1000});
  check(false, {97, 4});
}
