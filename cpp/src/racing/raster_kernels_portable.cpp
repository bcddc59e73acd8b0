#include "raster_loops.hpp"

namespace apexline::racing {
namespace {

struct PortablePen {
  static void lay(const Spans& spans, std::uint8_t ink, std::uint8_t* rows) noexcept {
    for (int k = 0; k < kRowsAPixel; ++k)
      std::memset(rows + k * kSamplesARow + spans.first[k], ink, static_cast<std::size_t>(spans.length[k]));
  }

  static void shade(const std::uint8_t* samples, const Shades& shades, std::uint8_t* plane) noexcept {
    for (int row = 0; row < kVisibleRows; ++row) {
      std::uint16_t sums[kSide] = {};
      for (int k = 0; k < kRowsAPixel; ++k, samples += kSamplesARow)
        for (int column = 0; column < kSide; ++column)
          sums[column] = static_cast<std::uint16_t>(sums[column] + shades[samples[2 * column]] +
                                                    shades[samples[2 * column + 1]]);
      for (int column = 0; column < kSide; ++column)
        *plane++ = static_cast<std::uint8_t>(std::max(sums[column] - kRoundingLoss, 0) >> 4);
    }
  }
};

}  // namespace

constinit const RasterKernels kPortableRasterKernels = raster_kernels_of<PortablePen>();

}  // namespace apexline::racing
