#include <immintrin.h>

#include "raster_loops.hpp"

namespace apexline::racing {
namespace {

constexpr int kWidth = 64;  // bytes a register

struct Avx512Pen {
  static void lay(const Spans& spans, std::uint8_t ink, std::uint8_t* rows) noexcept {
    alignas(kWidth) static constexpr auto places = [] {
      std::array<std::uint8_t, kWidth> bytes{};
      for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
      return bytes;
    }();
    const __m512i place = _mm512_load_si512(places.data());
    const __m512i inks = _mm512_set1_epi8(static_cast<char>(ink));
    for (int k = 0; k < kRowsAPixel; ++k) {
      std::uint8_t* start = rows + k * kSamplesARow + spans.first[k];
      int length = spans.length[k];
      _mm512_mask_storeu_epi8(start, _mm512_cmplt_epu8_mask(place, _mm512_set1_epi8(static_cast<char>(length))), inks);
      while ((length -= kWidth) > 0) {
        start += kWidth;
        _mm512_mask_storeu_epi8(start, _mm512_cmplt_epu8_mask(place, _mm512_set1_epi8(static_cast<char>(length))), inks);
      }
    }
  }

  static void shade(const std::uint8_t* samples, const Shades& shades, Planes& planes) noexcept {
    const __m512i tables[3] = {table(shades[0]), table(shades[1]), table(shades[2])};
    const __m512i ones = _mm512_set1_epi8(1);
    const __m512i loss = _mm512_set1_epi16(kRoundingLoss);
    for (int row = 0; row < kVisibleRows; ++row)
      for (int part = 0; part < kSamplesARow / kWidth; ++part) {
        const std::uint8_t* inks = samples + row * kRowsAPixel * kSamplesARow + part * kWidth;
        __m512i sums[3] = {};
        for (int k = 0; k < kRowsAPixel; ++k) {
          const __m512i ink = _mm512_loadu_si512(inks + k * kSamplesARow);
          for (int channel = 0; channel < 3; ++channel)
            sums[channel] = _mm512_add_epi16(
                sums[channel], _mm512_maddubs_epi16(_mm512_shuffle_epi8(tables[channel], ink), ones));
        }
        for (std::size_t channel = 0; channel < 3; ++channel) {
          const __m512i mean = _mm512_srli_epi16(_mm512_subs_epu16(sums[channel], loss), 4);
          _mm256_storeu_si256(reinterpret_cast<__m256i*>(planes[channel].data() + row * kSide + part * kWidth / 2),
                              _mm512_maskz_cvtepi16_epi8(~0U, mean));
        }
      }
  }

 private:
  static __m512i table(const Shades::value_type& values) noexcept {
    return _mm512_maskz_broadcast_i32x4(0xFFFF, _mm_loadu_si128(reinterpret_cast<const __m128i*>(values.data())));
  }
};

}  // namespace

constinit const RasterKernels kAvx512RasterKernels = raster_kernels_of<Avx512Pen>();

}  // namespace apexline::racing
