// The instruction-set variants that a test can run.
#pragma once

#include <array>
#include <vector>

#include "support/cpu.hpp"

namespace apexline::test {

inline constexpr std::array kEveryIsa{Isa::kPortable, Isa::kAvx2, Isa::kAvx512};

inline std::vector<Isa> supported_isas() {
  std::vector<Isa> found;
  for (const Isa isa : kEveryIsa)
    if (supported(isa)) found.push_back(isa);
  return found;
}

}  // namespace apexline::test
