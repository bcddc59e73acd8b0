#include "raster_loops.hpp"

namespace apexline::racing {
namespace {

struct PortablePen {
  static void lay(const Spans& spans, std::uint8_t ink, std::uint8_t* rows) noexcept {
    for (int k = 0; k < kRowsAPixel; ++k)
      std::memset(rows + k * kSamplesARow + spans.first[k], ink, static_cast<std::size_t>(spans.length[k]));
  }

  static void shade(const std::uint8_t* samples, const Shades& shades, Planes& planes) noexcept {
    // The channels of an ink side by side, 16 bits each, are added at once.
    std::uint64_t colours[kPaletteSize];
    for (std::size_t ink = 0; ink < kPaletteSize; ++ink)
      colours[ink] = shades[0][ink] | std::uint64_t{shades[1][ink]} << 16 | std::uint64_t{shades[2][ink]} << 32;
    for (std::size_t row = 0; row < kVisibleRows; ++row, samples += kRowsAPixel * kSamplesARow)
      for (std::size_t column = 0; column < kSide; ++column) {
        std::uint64_t sum = 0;
        for (std::size_t k = 0; k < kRowsAPixel; ++k) {
          const std::uint8_t* pair = samples + k * kSamplesARow + 2 * column;
          sum += colours[pair[0]] + colours[pair[1]];
        }
        for (std::size_t channel = 0; channel < 3; ++channel) {
          const auto values = static_cast<std::int32_t>(sum >> 16 * channel & 0xFFFF);
          planes[channel][row * kSide + column] = static_cast<std::uint8_t>(std::max(values - kRoundingLoss, 0) >> 4);
        }
      }
  }
};

}  // namespace

constinit const RasterKernels kPortableRasterKernels = raster_kernels_of<PortablePen>();

}  // namespace apexline::racing
