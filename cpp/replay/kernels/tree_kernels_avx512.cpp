#include <immintrin.h>

#include "replay/kernels/tree_loops.hpp"

namespace apexline {
namespace {

class Avx512Node {
 public:
  void load(const double* c) noexcept {
    const __m512d children = _mm512_load_pd(c);
    const __m512i bits = _mm512_castpd_si512(children);
    positive_ = _mm512_test_epi64_mask(bits, bits);
    const __m512d ones = _mm512_add_pd(children, shifted<1>(children));
    const __m512d twos = _mm512_add_pd(ones, shifted<2>(ones));
    prefix_ = _mm512_add_pd(twos, shifted<4>(twos));
  }

  unsigned descend(double& mass) const noexcept {
    const unsigned below = _mm512_mask_cmp_pd_mask(positive_, _mm512_set1_pd(mass), prefix_, _CMP_LT_OQ);
    const unsigned child = choose_child(below, positive_);
    const auto chosen = static_cast<__mmask8>(1U << child);
    mass = left_of(mass, _mm512_cvtsd_f64(_mm512_maskz_compress_pd(chosen, shifted<1>(prefix_))));
    return child;
  }

  static double sum(const double* c) noexcept {
    const __m256d pairs = _mm256_hadd_pd(_mm256_load_pd(c), _mm256_load_pd(c + 4));
    const __m128d fours = _mm_add_pd(_mm256_castpd256_pd128(pairs), _mm256_extractf128_pd(pairs, 1));
    return _mm_cvtsd_f64(_mm_add_sd(fours, _mm_unpackhi_pd(fours, fours)));
  }

 private:
  // The values `places` places earlier; zeros first.
  template <int places>
  static __m512d shifted(__m512d values) noexcept {
    constexpr auto kept = static_cast<__mmask8>(0xFF << places);
    const __m512i whole = _mm512_castpd_si512(values);
    return _mm512_castsi512_pd(_mm512_maskz_alignr_epi64(kept, whole, whole, 8 - places));
  }

  __m512d prefix_;
  __mmask8 positive_;
};

}  // namespace

constinit const TreeKernels TreeKernels::kAvx512 = kernels_of<Avx512Node>();

}  // namespace apexline
