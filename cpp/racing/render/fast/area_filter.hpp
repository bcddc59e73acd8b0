// The tables of an area mean: which pixels each output pixel covers, and how much of them. Built once for a format.
//
// In 1/size of a pixel, output i of a side covers i * side up to (i + 1) * side, and pixel y covers y * size up to
// (y + 1) * size. The weight of a pixel is the overlap of the two, so the weights of an output add up to `side`, and the
// weights of an output pixel over rows and columns to side * side.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "racing/render/camera.hpp"
#include "racing/render/frame_format.hpp"

namespace apexline::racing {

// The pixels that the outputs along one side cover.
struct SideTaps {
  // `first_pixel` is the pixel where output 0 begins, `factor` multiplies all weights.
  SideTaps(int side, int size, int first_pixel, int factor);

  struct Output {
    std::uint16_t first;  // pixel
    std::uint16_t count;  // pixels
    std::uint16_t weights;  // index of the first pixel's weight
  };
  std::vector<Output> outputs;
  std::vector<std::uint16_t> weights;
};

struct AreaFilter {
  // Outputs of a row that SIMD variants compute together, in lanes of 32 bits.
  static constexpr std::size_t kLanes = 16;
  static constexpr std::size_t kGroups = 4;  // of 4 lanes
  // Numbers that a row of weighted columns has: 96 and padding, as variants read whole windows.
  static constexpr std::size_t kRowLength = 160;
  // Bytes that may be written behind a channel's last one.
  static constexpr std::size_t kOverrun = kLanes;
  // Outputs of a row up to which each is summed over the whole row.
  static constexpr std::size_t kNarrow = 8;

  // Adds two pixels times their weights to each lane. They are picked from a window of consecutive pixels by `control`, in
  // the encoding of the variant's shuffle instruction.
  struct alignas(64) Step {
    std::array<std::uint8_t, 4 * kLanes> control;
    std::array<std::int16_t, 2 * kLanes> weights;
    std::array<std::int32_t, kGroups> window;  // first pixel, for each group of lanes
  };

  // The area mean of `side` x `side` pixels whose leftmost column is `left`. `window` is the number of pixels from which
  // a shuffle instruction picks: 8 for each group of lanes, 64 for all lanes, or 0 for no steps.
  AreaFilter(int side, int left, FrameSize size, std::size_t window);

  [[nodiscard]] std::size_t height() const noexcept { return rows.outputs.size(); }
  [[nodiscard]] std::size_t width() const noexcept { return columns.outputs.size(); }

  // The mean of a weighted sum, rounded to nearest, ties up: (sum + side * side) / (2 * side * side), as columns have
  // twice the weights. `offset` makes the dividend odd, so the quotient is 1 / (2 * 96 * 96) = 5.4e-5 or more away from
  // an integer. All sums are below 2^23, thus exact as 32-bit floating-point numbers, and the product is off by
  // 257 * 2^-23 = 3.1e-5 at most.
  [[nodiscard]] std::uint8_t mean(std::uint32_t sum) const noexcept {
    return static_cast<std::uint8_t>(static_cast<float>(sum + offset) * scale);
  }

  std::uint32_t offset;  // side * side + 1
  float scale;  // 1 / (2 * side * side)
  SideTaps rows;
  SideTaps columns;  // with twice the weights
  bool is_half;  // every output is the mean of two by two pixels
  std::size_t column_taps = 0;  // the most pixels of a column
  std::vector<std::uint16_t> column_first;  // the first of column_taps pixels, for each column
  std::vector<float> column_weights;  // of column_taps pixels, for each column
  std::vector<std::array<std::int16_t, kSide>> narrow;  // weights of every pixel, for each output of a narrow row
  std::vector<Step> steps;
  std::vector<std::uint32_t> blocks;  // for each 16 outputs of a row, the index of its first step; then their number

 private:
  void list_columns();
  void list_narrow();
  void list_steps(std::size_t window);
};

}  // namespace apexline::racing
