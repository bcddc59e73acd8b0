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

  static constexpr std::size_t kFilterWindow = 0;

  // Four rows at a time, one in each lane.
  static void sum_columns(const AreaFilter& filter, const ColumnSums* rows, std::size_t count,
                          std::uint8_t* out) noexcept {
    for (std::size_t row = 0; row < count; row += kRows) {
      Four columns[kSide];
      const std::size_t last = count - 1;
      transpose({rows[row].data(), rows[std::min(row + 1, last)].data(), rows[std::min(row + 2, last)].data(),
                 rows[std::min(row + 3, last)].data()},
                columns);
      std::uint8_t* const target = out + row * filter.width();
      const std::size_t num_rows = std::min(kRows, count - row);
      switch (filter.column_taps) {
        case 2: write_means<2>(filter, columns, num_rows, target); break;
        case 3: write_means<3>(filter, columns, num_rows, target); break;
        default: write_means<0>(filter, columns, num_rows, target);
      }
    }
  }

 private:
  static constexpr std::size_t kRows = 4;
  using Four = float __attribute__((vector_size(16)));
  using FourInts = std::int32_t __attribute__((vector_size(16)));
  using Words = std::uint16_t __attribute__((vector_size(16)));
  using HalfWords = std::uint16_t __attribute__((vector_size(8)));

  // The lower or upper halves of two registers, interleaved.
  static Words low_words(const Words& a, const Words& b) noexcept {
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  }
  static Words high_words(const Words& a, const Words& b) noexcept {
    return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
  }

  static void transpose(const std::array<const std::uint16_t*, kRows>& rows, Four* columns) noexcept {
    for (std::size_t x = 0; x < kSide; x += 8) {
      Words words[kRows];
      for (std::size_t i = 0; i < kRows; ++i) std::memcpy(&words[i], rows[i] + x, sizeof(Words));
      const Words pairs[2][2] = {{low_words(words[0], words[1]), low_words(words[2], words[3])},
                                 {high_words(words[0], words[1]), high_words(words[2], words[3])}};
      for (std::size_t half = 0; half < 2; ++half) {
        const Words four[2] = {__builtin_shufflevector(pairs[half][0], pairs[half][1], 0, 1, 8, 9, 2, 3, 10, 11),
                               __builtin_shufflevector(pairs[half][0], pairs[half][1], 4, 5, 12, 13, 6, 7, 14, 15)};
        HalfWords column[4];
        std::memcpy(column, four, sizeof(column));
        for (std::size_t i = 0; i < 4; ++i) columns[x + 4 * half + i] = __builtin_convertvector(column[i], Four);
      }
    }
  }

  // kTaps is filter.column_taps, or 0 for any number of them.
  template <std::size_t kTaps>
  static void write_means(const AreaFilter& filter, const Four* columns, std::size_t num_rows,
                          std::uint8_t* out) noexcept {
    const std::size_t taps = kTaps > 0 ? kTaps : filter.column_taps;
    const std::size_t width = filter.width();
    const Four offset = Four{} + static_cast<float>(filter.offset);
    const auto mean = [&](std::size_t column) {
      const Four* const from = columns + filter.column_first[column];
      const float* const weights = filter.column_weights.data() + column * taps;
      Four sum = offset;
      for (std::size_t tap = 0; tap < taps; ++tap) sum += from[tap] * weights[tap];
      return __builtin_convertvector(sum * filter.scale, FourInts);
    };
    // A lane holds the bytes of four columns.
    std::size_t column = 0;
    for (; column + kRows <= width; column += kRows) {
      const FourInts packed = mean(column) | mean(column + 1) << 8 | mean(column + 2) << 16 | mean(column + 3) << 24;
      std::int32_t lanes[kRows];
      std::memcpy(lanes, &packed, sizeof(lanes));
      for (std::size_t i = 0; i < num_rows; ++i) std::memcpy(out + i * width + column, &lanes[i], sizeof(lanes[i]));
    }
    for (; column < width; ++column) {
      const FourInts one = mean(column);
      for (std::size_t i = 0; i < num_rows; ++i) out[i * width + column] = static_cast<std::uint8_t>(one[i]);
    }
  }
};

}  // namespace

constinit const RasterKernels RasterKernels::kPortable = raster_kernels_of<PortablePen>();

}  // namespace apexline::racing
