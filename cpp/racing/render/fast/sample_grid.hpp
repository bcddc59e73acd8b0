// The sample positions of the observation: 8 rows of 192 samples for each of the 84 rows of 96 pixels above the
// indicators.
//
// A pixel of the observation is the mean of 1000/96 x 800/96 pixels of the surface. It has two samples in each of 8 rows
// of the surface, shifted from row to row by multiples of an eighth of their distance, in an order that avoids aliasing
// with slanted edges.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "racing/render/display_list.hpp"

namespace apexline::racing {

inline constexpr int kVisibleRows = 84;  // of the observation, above the indicators
inline constexpr int kRowsPerPixel = 8;
inline constexpr int kSamplesPerRow = 2 * kSide;

// Rows of the surface that 3 rows of the observation cover.
inline constexpr int kRowCycle = 3 * kSurfaceHeight / kSide;
static_assert(kRowCycle * kSide == 3 * kSurfaceHeight);

// The observation's row that holds the surface's row `y`, y growing upwards.
constexpr int pixel_row(int y) noexcept { return (kSurfaceHeight - 1 - y) * 3 / kRowCycle; }

// The surface's rows that are sampled for each row of the observation.
constexpr std::array<std::array<float, kRowsPerPixel>, kVisibleRows> sampled_rows() noexcept {
  std::array<std::array<float, kRowsPerPixel>, kVisibleRows> rows{};
  for (int row = 0; row < kVisibleRows; ++row)
    for (int k = 0; k < kRowsPerPixel; ++k) {
      // Of the 25 rows, the three pixels cover 8, 9 and 8; the middle row of the second is not sampled.
      const int within = row % 3 == 0 ? k : row % 3 == 1 ? 8 + k + (k >= 4 ? 1 : 0) : 17 + k;
      rows[static_cast<std::size_t>(row)][static_cast<std::size_t>(k)] =
          static_cast<float>(kSurfaceHeight - 1 - (row / 3 * kRowCycle + within));
    }
  return rows;
}

// Offsets of the samples of the 8 rows, in distances between samples.
inline constexpr std::array<float, kRowsPerPixel> kSampleShift{0.0625F, 0.5625F, 0.3125F, 0.8125F,
                                                               0.1875F, 0.6875F, 0.4375F, 0.9375F};

// The ink of every sample of an image. A row of pixels is 12 groups of 16 samples; the 8 rows of a group are contiguous,
// so that a group is filled and summed in few wide registers.
inline constexpr int kGroupWidth = 16;
inline constexpr int kGroups = kSamplesPerRow / kGroupWidth;
inline constexpr int kGroupBytes = kGroupWidth * kRowsPerPixel;
inline constexpr int kPixelRowBytes = kGroups * kGroupBytes;
struct alignas(64) Samples {
  std::array<std::uint8_t, static_cast<std::size_t>(kVisibleRows) * kPixelRowBytes> inks;
};

}  // namespace apexline::racing
