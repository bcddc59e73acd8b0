#include <immintrin.h>

#include "raster_loops.hpp"

namespace apexline::racing {
namespace {

constexpr int kWidth = 32;  // bytes a register

struct Avx2Pen {
  static void lay(const Spans& spans, std::uint8_t ink, std::uint8_t* rows) noexcept {
    // 1 to 32: a place is covered where it is no greater than the length.
    alignas(kWidth) static constexpr auto places = [] {
      std::array<std::uint8_t, kWidth> bytes{};
      for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i + 1);
      return bytes;
    }();
    const __m256i place = _mm256_load_si256(reinterpret_cast<const __m256i*>(places.data()));
    const __m256i inks = _mm256_set1_epi8(static_cast<char>(ink));
    for (int k = 0; k < kRowsAPixel; ++k) {
      std::uint8_t* start = rows + k * kSamplesARow + spans.first[k];
      for (int length = spans.length[k]; length > 0; length -= kWidth, start += kWidth) {
        auto* target = reinterpret_cast<__m256i*>(start);
        const __m256i lengths = _mm256_set1_epi8(static_cast<char>(length));
        const __m256i covered = _mm256_cmpeq_epi8(_mm256_max_epu8(place, lengths), lengths);
        _mm256_storeu_si256(target, _mm256_blendv_epi8(_mm256_loadu_si256(target), inks, covered));
      }
    }
  }

  static void shade(const std::uint8_t* samples, const Shades& shades, Planes& planes) noexcept {
    const __m256i tables[3] = {table(shades[0]), table(shades[1]), table(shades[2])};
    const __m256i ones = _mm256_set1_epi8(1);
    for (int row = 0; row < kVisibleRows; ++row)
      for (int part = 0; part < kSamplesARow / kWidth; ++part) {
        const std::uint8_t* inks = samples + row * kRowsAPixel * kSamplesARow + part * kWidth;
        __m256i sums[3] = {};
        for (int k = 0; k < kRowsAPixel; ++k) {
          const __m256i ink = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(inks + k * kSamplesARow));
          for (int channel = 0; channel < 3; ++channel)
            sums[channel] = _mm256_add_epi16(
                sums[channel], _mm256_maddubs_epi16(_mm256_shuffle_epi8(tables[channel], ink), ones));
        }
        for (std::size_t channel = 0; channel < 3; ++channel) {
          const __m256i loss = _mm256_set1_epi16(kRoundingLoss);
          const __m256i mean = _mm256_srli_epi16(_mm256_subs_epu16(sums[channel], loss), 4);
          _mm_storeu_si128(reinterpret_cast<__m128i*>(planes[channel].data() + row * kSide + part * kWidth / 2),
                           _mm_packus_epi16(_mm256_castsi256_si128(mean), _mm256_extracti128_si256(mean, 1)));
        }
      }
  }

 private:
  static __m256i table(const Shades::value_type& values) noexcept {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(values.data())));
  }
};

}  // namespace

constinit const RasterKernels kAvx2RasterKernels = raster_kernels_of<Avx2Pen>();

}  // namespace apexline::racing
