#include "racing/render/fast/kernels/raster_kernels.hpp"

namespace apexline::racing {

const RasterKernels& raster_kernels(Isa isa) noexcept {
#if defined(APEXLINE_X86_VARIANTS)
  if (isa == Isa::kAvx512) return kAvx512RasterKernels;
  if (isa == Isa::kAvx2) return kAvx2RasterKernels;
#else
  static_cast<void>(isa);
#endif
  return kPortableRasterKernels;
}

}  // namespace apexline::racing
