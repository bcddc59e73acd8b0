// Chooses one of several tables of functions, each compiled for one instruction set.
//
// A family of kernels is a struct of function pointers with the static members kPortable, kAvx2 and kAvx512 of its own
// type, each defined in a file of its own (X_kernels_portable.cpp, ...) that CMakeLists.txt compiles with the flags of
// that instruction set. The functions have internal linkage, so that the linker cannot replace one variant's code by
// another's.
#pragma once

#include "support/cpu.hpp"

namespace apexline {

// The variant for `isa`, in O(1). Precondition: supported(isa).
template <class Kernels>
[[nodiscard]] const Kernels& dispatch([[maybe_unused]] Isa isa) noexcept {
#ifdef APEXLINE_X86_VARIANTS
  if (isa == Isa::kAvx512) return Kernels::kAvx512;
  if (isa == Isa::kAvx2) return Kernels::kAvx2;
#endif
  return Kernels::kPortable;
}

}  // namespace apexline
