#include "replay/kernels/tree_kernels.hpp"

namespace apexline {

const TreeKernels& tree_kernels(Isa isa) noexcept {
#if defined(APEXLINE_X86_VARIANTS)
  if (isa == Isa::kAvx512) return kAvx512TreeKernels;
  if (isa == Isa::kAvx2) return kAvx2TreeKernels;
#else
  static_cast<void>(isa);
#endif
  return kPortableTreeKernels;
}

}  // namespace apexline
