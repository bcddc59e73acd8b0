#include "support/cpu.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "check.hpp"
#include "variants.hpp"

using namespace apexline;
using apexline::test::kEveryIsa;
using apexline::test::supported_isas;

namespace {

std::string forced() {
  const char* value = std::getenv("APEXLINE_ISA");
  return value == nullptr ? "" : value;
}

}  // namespace

TEST(variant_names) {
  CHECK(name(Isa::kPortable) == "portable");
  CHECK(name(Isa::kAvx2) == "avx2");
  CHECK(name(Isa::kAvx512) == "avx512");
}

TEST(wider_variants_require_the_narrower_ones) {
  CHECK(supported(Isa::kPortable));
  CHECK(supported(Isa::kAvx2) || !supported(Isa::kAvx512));
}

// CTest runs this with APEXLINE_ISA unset, empty, set to each variant and to an unknown one.
TEST(the_environment_variable_or_the_widest_variant_is_chosen) {
  const auto named = std::ranges::find(kEveryIsa, forced(), [](Isa isa) { return std::string(name(isa)); });
  if (forced().empty())
    CHECK(chosen_isa() == supported_isas().back());
  else if (named == kEveryIsa.end())
    CHECK_THROWS(std::invalid_argument, "APEXLINE_ISA is '" + forced() + "'; expected portable", chosen_isa());
  else if (supported(*named))
    CHECK(chosen_isa() == *named);
  else
    CHECK_THROWS(std::invalid_argument, "APEXLINE_ISA is '" + forced() + "'; expected one", chosen_isa());
}

TEST(the_choice_is_made_once) {
  Isa before;
  try {
    before = chosen_isa();
  } catch (const std::invalid_argument&) {
    return;
  }
  for (const Isa isa : kEveryIsa) {
    setenv("APEXLINE_ISA", std::string(name(isa)).c_str(), 1);
    CHECK(chosen_isa() == before);
  }
}
