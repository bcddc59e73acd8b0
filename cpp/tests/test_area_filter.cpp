#include "racing/render/fast/area_filter.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "check.hpp"
#include "racing/render/fast/kernels/raster_kernels.hpp"
#include "variants.hpp"

using namespace apexline::racing;
using apexline::test::supported_isas;

TEST(means_are_exact_for_every_sum) {
  for (const int side : {FrameFormat::kCroppedSide, kSide}) {
    const AreaFilter filter(side, 0, side, 0);
    const auto area = static_cast<std::uint32_t>(side * side);
    int wrong = 0;
    for (std::uint32_t sum = 0; sum <= 255 * area; ++sum)
      wrong += filter.mean(2 * sum) != (2 * sum + area) / (2 * area);
    CHECK(wrong == 0);
  }
}

TEST(taps_cover_a_side_once) {
  for (const int side : {84, 96})
    for (int size = 1; size <= side; ++size) {
      const SideTaps taps(side, size, 6, 3);
      std::vector<int> covered(static_cast<std::size_t>(side), 0);
      for (const SideTaps::Output& output : taps.outputs) {
        int total = 0;
        for (std::size_t i = 0; i < output.count; ++i) {
          const int weight = taps.weights[output.weights + i];
          CHECK(weight > 0);
          covered[output.first - 6U + i] += weight;
          total += weight;
        }
        CHECK(total == 3 * side);
      }
      CHECK(std::ranges::all_of(covered, [&](int weight) { return weight == 3 * size; }));
    }
}

TEST(every_kernel_averages_extreme_values) {
  auto plane = std::make_unique<Plane>();
  std::vector<std::uint8_t> out(static_cast<std::size_t>(kSide) * kSide + AreaFilter::kOverrun);
  for (const apexline::Isa isa : supported_isas()) {
    const RasterKernels& kernels = raster_kernels(isa);
    for (const int value : {0, 1, 254, 255})
      for (int height = 1; height <= kSide; height += 5)
        for (int width = 1; width <= kSide; ++width) {
          plane->fill(static_cast<std::uint8_t>(value));
          const AreaFilter filter(kSide, 0, {height, width}, kernels.filter_window);
          kernels.average(filter, *plane, out.data());
          CHECK(std::all_of(out.begin(), out.begin() + height * width, [&](std::uint8_t v) { return v == value; }));
        }
  }
}

TEST(nothing_is_written_behind_the_overrun) {
  auto plane = std::make_unique<Plane>();
  for (const apexline::Isa isa : supported_isas()) {
    const RasterKernels& kernels = raster_kernels(isa);
    for (int width = 1; width <= kSide; ++width)
      for (const int height : {1, 3, width}) {
        const auto area = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
        std::vector<std::uint8_t> out(area + AreaFilter::kOverrun + 64, 77);
        kernels.average(AreaFilter(kSide, 0, {height, width}, kernels.filter_window), *plane, out.data());
        CHECK(std::all_of(out.end() - 64, out.end(), [](std::uint8_t v) { return v == 77; }));
      }
  }
}
