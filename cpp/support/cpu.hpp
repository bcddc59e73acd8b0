// The instruction set that the kernels use. All variants are bit-identical.
#pragma once

#include <string_view>

namespace apexline {

enum class Isa { kPortable, kAvx2, kAvx512 };

[[nodiscard]] std::string_view name(Isa isa) noexcept;
// Whether this build contains the variant and this processor can run it.
[[nodiscard]] bool supported(Isa isa) noexcept;
// The widest supported variant, or the one named by the environment variable APEXLINE_ISA; chosen at the first call and
// fixed from then on. Throws std::invalid_argument if the variable names no variant or an unsupported one. Thread-safe.
[[nodiscard]] Isa chosen_isa();

}  // namespace apexline
