#include "racing/render/fast/kernels/raster_loops.hpp"

namespace apexline::racing {
namespace {

struct PortablePen {
  static void fill(const Spans& spans, std::uint8_t ink, std::uint8_t* row) noexcept {
    using Group = std::uint8_t __attribute__((vector_size(kGroupWidth)));
    const Group places{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const Group inks = Group{} + ink;
    for (int k = 0; k < kRowsPerPixel; ++k) {
      const std::int32_t first = spans.first[k], length = spans.length[k];
      if (length == 0) continue;
      const Group last = Group{} + static_cast<std::uint8_t>(length - 1);
      for (std::int32_t group = first / kGroupWidth; group <= (first + length - 1) / kGroupWidth; ++group) {
        std::uint8_t* const target = row + group * kGroupBytes + k * kGroupWidth;
        Group old;
        std::memcpy(&old, target, sizeof(old));
        // The distance from the first; places before it wrap around.
        const Group behind = places + static_cast<std::uint8_t>(group * kGroupWidth - first);
        old = behind <= last ? inks : old;
        std::memcpy(target, &old, sizeof(old));
      }
    }
  }

  static void shade(const Samples& samples, const Shades& shades, Planes& planes) noexcept {
    // The channels of an ink, 16 bits each in one word, are added at once.
    std::uint64_t colours[kMaxInks];
    for (std::size_t ink = 0; ink < kMaxInks; ++ink)
      colours[ink] = shades[0][ink] | std::uint64_t{shades[1][ink]} << 16 | std::uint64_t{shades[2][ink]} << 32;
    const std::uint8_t* inks = samples.inks.data();
    for (std::size_t place = 0; place < kVisibleRows * kSide; place += kGroupWidth / 2, inks += kGroupBytes)
      for (std::size_t pixel = 0; pixel < kGroupWidth / 2; ++pixel) {
        std::uint64_t sum = 0;
        for (std::size_t k = 0; k < kRowsPerPixel; ++k) {
          const std::uint8_t* const pair = inks + k * kGroupWidth + 2 * pixel;
          sum += colours[pair[0]] + colours[pair[1]];
        }
        for (std::size_t channel = 0; channel < 3; ++channel) {
          const auto values = static_cast<std::int32_t>(sum >> 16 * channel & 0xFFFF);
          planes[channel][place + pixel] = static_cast<std::uint8_t>(std::max(values - kRoundingLoss, 0) >> 4);
        }
      }
  }
};

}  // namespace

constinit const RasterKernels RasterKernels::kPortable = raster_kernels_of<PortablePen>();

}  // namespace apexline::racing
