#include <immintrin.h>

#include "replay/kernels/tree_loops.hpp"

namespace apexline {
namespace {

class Avx2Node {
 public:
  void load(const double* c) noexcept {
    const __m256d zero = _mm256_setzero_pd();
    const __m256d low = _mm256_load_pd(c);
    const __m256d high = _mm256_load_pd(c + 4);

    const __m256d low_before = _mm256_blend_pd(_mm256_permute4x64_pd(low, 0b10010000), zero, 0b0001);
    const __m256d low_ones = _mm256_add_pd(low, low_before);
    const __m256d high_ones = _mm256_add_pd(high, _mm256_loadu_pd(c + 3));

    const __m256d low_twos = _mm256_add_pd(low_ones, _mm256_permute2f128_pd(low_ones, low_ones, 0x08));
    const __m256d high_twos = _mm256_add_pd(high_ones, _mm256_permute2f128_pd(low_ones, high_ones, 0x21));

    low_ = low_twos;
    high_ = _mm256_add_pd(high_twos, low_twos);
    positive_ = bits(_mm256_cmp_pd(low, zero, _CMP_GT_OQ), _mm256_cmp_pd(high, zero, _CMP_GT_OQ));
    _mm256_store_pd(before_, zero);
    _mm256_store_pd(before_ + 4, low_);
    _mm256_store_pd(before_ + 8, high_);
  }

  unsigned descend(double& mass) const noexcept {
    const __m256d all = _mm256_set1_pd(mass);
    const unsigned below = bits(_mm256_cmp_pd(all, low_, _CMP_LT_OQ), _mm256_cmp_pd(all, high_, _CMP_LT_OQ));
    const unsigned child = choose_child(below, positive_);
    mass = left_of(mass, before_[3 + child]);
    return child;
  }

  static double sum(const double* c) noexcept {
    // c0+c1, c4+c5, c2+c3, c6+c7
    const __m256d pairs = _mm256_hadd_pd(_mm256_load_pd(c), _mm256_load_pd(c + 4));
    const __m128d fours = _mm_add_pd(_mm256_castpd256_pd128(pairs), _mm256_extractf128_pd(pairs, 1));
    return _mm_cvtsd_f64(_mm_add_sd(fours, _mm_unpackhi_pd(fours, fours)));
  }

 private:
  static unsigned bits(__m256d low, __m256d high) noexcept {
    return static_cast<unsigned>(_mm256_movemask_pd(low) | _mm256_movemask_pd(high) << 4);
  }

  __m256d low_;  // inclusive prefix sums
  __m256d high_;
  alignas(32) double before_[4 + kFanOut];  // the same, preceded by zeros
  unsigned positive_;
};

}  // namespace

constinit const TreeKernels TreeKernels::kAvx2 = kernels_of<Avx2Node>();

}  // namespace apexline
