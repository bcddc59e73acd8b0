#include "racing/physics/kernels/drive_loops.hpp"
#include "racing/physics/kernels/solve_loops.hpp"

namespace apexline::racing {

constinit const CarKernels CarKernels::kAvx512{drive_block, solve_block, solve_blocks};

}  // namespace apexline::racing
