#include <immintrin.h>

#include "racing/render/fast/kernels/raster_loops.hpp"

namespace apexline::racing {
namespace {

// A register holds a quarter of a group: 2 rows of 16 samples, one per 128-bit lane.
constexpr int kWidth = 32;
constexpr int kQuarters = kGroupBytes / kWidth;

struct Avx2Pen {
  static void fill(const Spans& spans, std::uint8_t ink, std::uint8_t* row) noexcept {
    const Ints covered = spans.length > 0;
    // The minimum of 16-bit numbers, in one instruction.
    const int begin = _mm_extract_epi16(_mm_minpos_epu16(words(spans.first | (~covered & 0xFFFF))), 0);
    const int end =
        0xFFFF - _mm_extract_epi16(_mm_minpos_epu16(words(0xFFFF - ((spans.first + spans.length) & covered))), 0);
    if (begin >= end) return;

    // A place is covered if it is at most `last` behind the first. The first of an empty row is past the end.
    const __m256i first = bytes((spans.first & covered) | (~covered & kSamplesPerRow));
    const __m256i last = bytes((spans.length - 1) & covered);
    const int group = begin / kGroupWidth;
    const __m256i place =
        _mm256_add_epi8(_mm256_broadcastsi128_si256(_mm_set_epi32(0x0F0E0D0C, 0x0B0A0908, 0x07060504, 0x03020100)),
                        _mm256_set1_epi8(static_cast<char>(group * kGroupWidth)));
    __m256i behind[kQuarters], lasts[kQuarters];
    for (int quarter = 0; quarter < kQuarters; ++quarter) {
      const __m256i rows = _mm256_set_m128i(_mm_set1_epi8(static_cast<char>(2 * quarter + 1)),
                                            _mm_set1_epi8(static_cast<char>(2 * quarter)));
      behind[quarter] = _mm256_sub_epi8(place, _mm256_shuffle_epi8(first, rows));
      lasts[quarter] = _mm256_shuffle_epi8(last, rows);
    }
    const __m256i inks = _mm256_set1_epi8(static_cast<char>(ink));
    const __m256i next = _mm256_set1_epi8(kGroupWidth);
    std::uint8_t* target = row + group * kGroupBytes;
    std::uint8_t* const stop = row + (end - 1) / kGroupWidth * kGroupBytes;
    for (; target <= stop; target += kGroupBytes)
      for (int quarter = 0; quarter < kQuarters; ++quarter) {
        auto* part = reinterpret_cast<__m256i*>(target + quarter * kWidth);
        const __m256i hit = _mm256_cmpeq_epi8(_mm256_min_epu8(behind[quarter], lasts[quarter]), behind[quarter]);
        _mm256_store_si256(part, _mm256_blendv_epi8(_mm256_load_si256(part), inks, hit));
        behind[quarter] = _mm256_add_epi8(behind[quarter], next);
      }
  }

  static void shade(const Samples& samples, const Shades& shades, Planes& planes) noexcept {
    const __m256i tables[3] = {table(shades[0]), table(shades[1]), table(shades[2])};
    const std::uint8_t* inks = samples.inks.data();
    for (std::size_t row = 0; row < kVisibleRows; ++row)
      for (std::size_t part = 0; part < kGroups / 2; ++part) {
        __m256i sums[3][2];
        for (std::size_t group = 0; group < 2; ++group, inks += kGroupBytes) {
          __m256i all[3] = {};
          for (int quarter = 0; quarter < kQuarters; ++quarter) {
            const __m256i ink = _mm256_load_si256(reinterpret_cast<const __m256i*>(inks + quarter * kWidth));
            for (int channel = 0; channel < 3; ++channel)
              all[channel] = _mm256_add_epi16(all[channel], pairs(tables[channel], ink));
          }
          for (std::size_t channel = 0; channel < 3; ++channel) sums[channel][group] = all[channel];
        }
        for (std::size_t channel = 0; channel < 3; ++channel) {
          const __m256i a = sums[channel][0], b = sums[channel][1];
          const __m256i sum =
              _mm256_add_epi16(_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31));
          const __m256i mean = _mm256_srli_epi16(_mm256_subs_epu16(sum, _mm256_set1_epi16(kRoundingLoss)), 4);
          _mm_storeu_si128(reinterpret_cast<__m128i*>(&planes[channel][row * kSide + part * kGroupWidth]),
                           _mm_packus_epi16(_mm256_castsi256_si128(mean), _mm256_extracti128_si256(mean, 1)));
        }
      }
  }

  static constexpr std::size_t kFilterWindow = 8;

  static void sum_columns(const AreaFilter& filter, const ColumnSums* rows, std::size_t count,
                          std::uint8_t* out) noexcept {
    for (std::size_t row = 0; row < count; ++row, out += filter.width()) sum_columns(filter, rows[row], out);
  }

 private:
  // Lanes 0 to 3 and 8 to 11 of a block are in one register, 4 to 7 and 12 to 15 in the other, as packing interleaves
  // the halves of registers.
  static void sum_columns(const AreaFilter& filter, const ColumnSums& sums, std::uint8_t* out) noexcept {
    const __m256i offset = _mm256_set1_epi32(static_cast<int>(filter.offset));
    const __m256 scale = _mm256_set1_ps(filter.scale);
    const AreaFilter::Step* step = filter.steps.data();
    for (std::size_t block = 0; block + 1 < filter.blocks.size(); ++block, out += AreaFilter::kLanes) {
      const AreaFilter::Step* const end = filter.steps.data() + filter.blocks[block + 1];
      __m256i even = offset, odd = offset;
      for (; step != end; ++step) {
        even = _mm256_add_epi32(even, picked(*step, sums, 0));
        odd = _mm256_add_epi32(odd, picked(*step, sums, 1));
      }
      const __m256i words = _mm256_packs_epi32(quotient(even, scale), quotient(odd, scale));
      const __m256i narrow = _mm256_permute4x64_epi64(_mm256_packus_epi16(words, words), 0b1000);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm256_castsi256_si128(narrow));
    }
  }

  // The sums of two pixels times their weights, for the groups of lanes `group` and group + 2.
  static __m256i picked(const AreaFilter::Step& step, const ColumnSums& sums, std::size_t group) noexcept {
    const auto half = [](const auto* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); };
    const auto both = [&](const auto* low, const auto* high) { return _mm256_set_m128i(half(high), half(low)); };
    const __m256i pixels = both(sums.data() + step.window[group], sums.data() + step.window[group + 2]);
    const __m256i control = both(step.control.data() + 16 * group, step.control.data() + 16 * (group + 2));
    const __m256i weights = both(step.weights.data() + 8 * group, step.weights.data() + 8 * (group + 2));
    return _mm256_madd_epi16(_mm256_shuffle_epi8(pixels, control), weights);
  }

  static __m256i quotient(__m256i sum, __m256 scale) noexcept {
    return _mm256_cvttps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), scale));
  }

  static __m256i table(const Shades::value_type& values) noexcept {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(values.data())));
  }

  // Eight numbers below 2^16 as words.
  static __m128i words(const Ints& numbers) noexcept {
    const auto whole = reinterpret_cast<__m256i>(numbers);
    return _mm_packus_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
  }

  // Eight numbers below 2^8 as the first bytes of both lanes.
  static __m256i bytes(const Ints& numbers) noexcept {
    const __m128i narrow = words(numbers);
    return _mm256_broadcastsi128_si256(_mm_packus_epi16(narrow, narrow));
  }

  // Sums of two neighbours' values.
  static __m256i pairs(__m256i table, __m256i inks) noexcept {
    return _mm256_maddubs_epi16(_mm256_shuffle_epi8(table, inks), _mm256_set1_epi8(1));
  }
};

}  // namespace

constinit const RasterKernels RasterKernels::kAvx2 = raster_kernels_of<Avx2Pen>();

}  // namespace apexline::racing
