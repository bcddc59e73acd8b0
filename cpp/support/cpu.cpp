#include "support/cpu.hpp"

#include <array>
#include <cstdlib>
#include <stdexcept>

#include "support/errors.hpp"

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
    case Isa::kAvx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
    case Isa::kAvx512:
      return supported(Isa::kAvx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl");
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
