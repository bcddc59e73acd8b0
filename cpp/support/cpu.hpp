// Which instruction-set variant of the hot loops runs. All variants compute the same bits.
#pragma once

#include <string_view>

namespace apexline {

enum class Isa { kPortable, kAvx2, kAvx512 };

[[nodiscard]] std::string_view name(Isa isa) noexcept;
// Whether this build has the variant and this processor can run it.
[[nodiscard]] bool supported(Isa isa) noexcept;
// The widest variant that is supported, or the one that the environment variable APEXLINE_ISA names; decided at the
// first call. Throws std::invalid_argument where the variable names no variant or one that is not supported.
[[nodiscard]] Isa chosen_isa();

}  // namespace apexline
