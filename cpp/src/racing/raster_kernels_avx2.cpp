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

  static void shade(const std::uint8_t* samples, const Shades& shades, std::uint8_t* plane) noexcept {
    const __m256i table =
        _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(shades.data())));
    const __m256i loss = _mm256_set1_epi16(kRoundingLoss);
    for (int row = 0; row < kVisibleRows; ++row)
      for (int part = 0; part < kSamplesARow / (2 * kWidth); ++part) {
        const std::uint8_t* inks = samples + row * kRowsAPixel * kSamplesARow + part * 2 * kWidth;
        __m256i low = _mm256_setzero_si256(), high = low;
        for (int k = 0; k < kRowsAPixel; ++k) {
          low = _mm256_add_epi16(low, pairs(table, inks + k * kSamplesARow));
          high = _mm256_add_epi16(high, pairs(table, inks + k * kSamplesARow + kWidth));
        }
        low = _mm256_srli_epi16(_mm256_subs_epu16(low, loss), 4);
        high = _mm256_srli_epi16(_mm256_subs_epu16(high, loss), 4);
        const __m256i means = _mm256_permute4x64_epi64(_mm256_packus_epi16(low, high), 0b11011000);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(plane + row * kSide + part * kWidth), means);
      }
  }

 private:
  static __m256i pairs(__m256i table, const std::uint8_t* inks) noexcept {
    const __m256i values =
        _mm256_shuffle_epi8(table, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(inks)));
    return _mm256_maddubs_epi16(values, _mm256_set1_epi8(1));
  }
};

}  // namespace

constinit const RasterKernels kAvx2RasterKernels = raster_kernels_of<Avx2Pen>();

}  // namespace apexline::racing
