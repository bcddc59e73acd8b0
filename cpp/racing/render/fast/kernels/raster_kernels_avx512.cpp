#include <immintrin.h>

#include "racing/render/fast/kernels/raster_loops.hpp"

namespace apexline::racing {
namespace {

// A register holds half a group: 4 rows of 16 samples, one per 128-bit lane.
constexpr int kWidth = 64;

struct Avx512Pen {
  static void fill(const Spans& spans, std::uint8_t ink, std::uint8_t* row) noexcept {
    const Ints covered = spans.length > 0;
    const auto begins = reinterpret_cast<__m256i>(spans.first | ~covered);
    const auto ends = reinterpret_cast<__m256i>(~((spans.first + spans.length) & covered));
    // The minimum of 16-bit numbers, in one instruction.
    const int begin = _mm_extract_epi16(_mm_minpos_epu16(_mm256_maskz_cvtepi32_epi16(0xFF, begins)), 0);
    const int end = 0xFFFF - _mm_extract_epi16(_mm_minpos_epu16(_mm256_maskz_cvtepi32_epi16(0xFF, ends)), 0);
    if (begin >= end) return;

    const __m512i first = every_lane(reinterpret_cast<__m256i>(spans.first));
    const __m512i length = every_lane(reinterpret_cast<__m256i>(spans.length));
    const __m512i rows =
        _mm512_set_epi32(0x03030303, 0x03030303, 0x03030303, 0x03030303, 0x02020202, 0x02020202, 0x02020202, 0x02020202,
                         0x01010101, 0x01010101, 0x01010101, 0x01010101, 0, 0, 0, 0);
    const __m512i lower_rows = _mm512_add_epi8(rows, _mm512_set1_epi8(4));
    const __m512i upper_length = _mm512_shuffle_epi8(length, rows);
    const __m512i lower_length = _mm512_shuffle_epi8(length, lower_rows);
    const int group = begin / kGroupWidth;
    const __m512i place = _mm512_add_epi8(_mm512_set4_epi32(0x0F0E0D0C, 0x0B0A0908, 0x07060504, 0x03020100),
                                          _mm512_set1_epi8(static_cast<char>(group * kGroupWidth)));
    // The distance from the first of its span; places before it wrap around.
    __m512i upper = _mm512_sub_epi8(place, _mm512_shuffle_epi8(first, rows));
    __m512i lower = _mm512_sub_epi8(place, _mm512_shuffle_epi8(first, lower_rows));
    const __m512i inks = _mm512_set1_epi8(static_cast<char>(ink));
    const __m512i next = _mm512_set1_epi8(kGroupWidth);
    std::uint8_t* target = row + group * kGroupBytes;
    std::uint8_t* const stop = row + (end - 1) / kGroupWidth * kGroupBytes;
    for (; target <= stop; target += kGroupBytes) {
      _mm512_mask_storeu_epi8(target, _mm512_cmplt_epu8_mask(upper, upper_length), inks);
      _mm512_mask_storeu_epi8(target + kWidth, _mm512_cmplt_epu8_mask(lower, lower_length), inks);
      upper = _mm512_add_epi8(upper, next);
      lower = _mm512_add_epi8(lower, next);
    }
  }

  static void shade(const Samples& samples, const Shades& shades, Planes& planes) noexcept {
    const __m512i tables[3] = {table(shades[0]), table(shades[1]), table(shades[2])};
    constexpr std::size_t parts = 3, groups = kGroups / parts;  // 32 pixels a part
    const std::uint8_t* inks = samples.inks.data();
    for (std::size_t row = 0; row < kVisibleRows; ++row)
      for (std::size_t part = 0; part < parts; ++part) {
        __m512i sums[3][groups];
        for (std::size_t group = 0; group < groups; ++group, inks += kGroupBytes) {
          const __m512i upper = _mm512_load_si512(inks), lower = _mm512_load_si512(inks + kWidth);
          for (std::size_t channel = 0; channel < 3; ++channel)
            sums[channel][group] = _mm512_add_epi16(pairs(tables[channel], upper), pairs(tables[channel], lower));
        }
        for (std::size_t channel = 0; channel < 3; ++channel) {
          const __m512i* const s = sums[channel];
          // Adds the four lanes of each register; the result holds the four sums.
          const __m512i low = add_neighbours(s[0], s[1]), high = add_neighbours(s[2], s[3]);
          const __m512i sum = _mm512_add_epi16(_mm512_maskz_shuffle_i64x2(0xFF, low, high, 0b10001000),
                                               _mm512_maskz_shuffle_i64x2(0xFF, low, high, 0b11011101));
          const __m512i mean = _mm512_srli_epi16(_mm512_subs_epu16(sum, _mm512_set1_epi16(kRoundingLoss)), 4);
          _mm256_storeu_si256(reinterpret_cast<__m256i*>(&planes[channel][row * kSide + part * 32]),
                              _mm512_maskz_cvtepi16_epi8(~0U, mean));
        }
      }
  }

  static constexpr std::size_t kFilterWindow = 64;

  static void sum_columns(const AreaFilter& filter, const ColumnSums* rows, std::size_t count,
                          std::uint8_t* out) noexcept {
    for (std::size_t row = 0; row < count; ++row, out += filter.width()) sum_columns(filter, rows[row], out);
  }

 private:
  static void sum_columns(const AreaFilter& filter, const ColumnSums& sums, std::uint8_t* out) noexcept {
    const __m512i offset = _mm512_set1_epi32(static_cast<int>(filter.offset));
    const __m512 scale = _mm512_set1_ps(filter.scale);
    const AreaFilter::Step* step = filter.steps.data();
    for (std::size_t block = 0; block + 1 < filter.blocks.size(); ++block, out += AreaFilter::kLanes) {
      const AreaFilter::Step* const end = filter.steps.data() + filter.blocks[block + 1];
      __m512i sum = offset;
      for (; step != end; ++step) {
        const std::uint16_t* const window = sums.data() + step->window[0];
        const __m512i pixels = _mm512_permutex2var_epi16(
            _mm512_loadu_si512(window), _mm512_load_si512(step->control.data()), _mm512_loadu_si512(window + 32));
        sum = _mm512_add_epi32(sum, _mm512_madd_epi16(pixels, _mm512_load_si512(step->weights.data())));
      }
      const __m512i quotient =
          _mm512_maskz_cvttps_epi32(0xFFFF, _mm512_mul_ps(_mm512_maskz_cvtepi32_ps(0xFFFF, sum), scale));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_maskz_cvtepi32_epi8(0xFFFF, quotient));
    }
  }

  static __m512i table(const Shades::value_type& values) noexcept {
    return _mm512_maskz_broadcast_i32x4(0xFFFF, _mm_loadu_si128(reinterpret_cast<const __m128i*>(values.data())));
  }

  // Eight numbers as the first bytes of every lane.
  static __m512i every_lane(__m256i numbers) noexcept {
    return _mm512_maskz_broadcast_i32x4(0xFFFF, _mm256_maskz_cvtepi32_epi8(0xFF, numbers));
  }

  // Sums of two neighbours' values.
  static __m512i pairs(__m512i table, __m512i inks) noexcept {
    return _mm512_maddubs_epi16(_mm512_shuffle_epi8(table, inks), _mm512_set1_epi8(1));
  }

  // The lanes a0 + a1, a2 + a3, b0 + b1, b2 + b3.
  static __m512i add_neighbours(__m512i a, __m512i b) noexcept {
    return _mm512_add_epi16(_mm512_maskz_shuffle_i64x2(0xFF, a, b, 0b10001000),
                            _mm512_maskz_shuffle_i64x2(0xFF, a, b, 0b11011101));
  }
};

}  // namespace

constinit const RasterKernels RasterKernels::kAvx512 = raster_kernels_of<Avx512Pen>();

}  // namespace apexline::racing
