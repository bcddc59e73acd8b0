#include "support/cpu.hpp"

#include <array>
#include <cstdlib>
#include <stdexcept>

#include "support/errors.hpp"

// clang-cl does not link the library that __builtin_cpu_supports needs.
#if defined(APEXLINE_X86_VARIANTS) && defined(_MSC_VER)
#define APEXLINE_CPUID
#include <cpuid.h>
#endif

namespace apexline {
namespace {

constexpr std::array kAll{Isa::kPortable, Isa::kAvx2, Isa::kAvx512};

Isa choose() {
  if (const char* forced = std::getenv("APEXLINE_ISA"); forced != nullptr && *forced != '\0') {
    for (const Isa isa : kAll) {
      if (name(isa) != forced) continue;
      if (!supported(isa))
        throw std::invalid_argument(
            text("APEXLINE_ISA is '", forced, "'; expected one that this build and processor support"));
      return isa;
    }
    throw std::invalid_argument(text("APEXLINE_ISA is '", forced, "'; expected portable, avx2 or avx512"));
  }
  Isa widest = Isa::kPortable;
  for (const Isa isa : kAll)
    if (supported(isa)) widest = isa;
  return widest;
}

#ifdef APEXLINE_X86_VARIANTS
#ifdef APEXLINE_CPUID

// Whether bits are set in leaf 7 of CPUID, and the operating system saves the registers of a mask of XCR0 (Intel's
// manual, volume 1, chapter 13).
bool has(unsigned features, unsigned registers) noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned xgetbv = 1U << 27;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & xgetbv) == 0) return false;
  unsigned low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & registers) != registers || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  return (b & features) == features;
}

bool has_avx2() noexcept { return has(1U << 3 | 1U << 5, 0x06); }                   // BMI, AVX2
bool has_avx512() noexcept { return has(1U << 16 | 1U << 30 | 1U << 31, 0xe6); }  // F, BW, VL

#else

bool has_avx2() noexcept { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"); }
bool has_avx512() noexcept {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

#endif
#endif

}  // namespace

std::string_view name(Isa isa) noexcept {
  switch (isa) {
    case Isa::kAvx2: return "avx2";
    case Isa::kAvx512: return "avx512";
    default: return "portable";
  }
}

bool supported(Isa isa) noexcept {
#ifdef APEXLINE_X86_VARIANTS
  switch (isa) {
    case Isa::kAvx2: return has_avx2();
    case Isa::kAvx512: return has_avx2() && has_avx512();
    default: return true;
  }
#else
  return isa == Isa::kPortable;
#endif
}

Isa chosen_isa() {
  static const Isa isa = choose();
  return isa;
}

}  // namespace apexline
