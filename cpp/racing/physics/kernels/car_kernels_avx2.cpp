#include "racing/physics/kernels/drive_loops.hpp"
#include "racing/physics/kernels/solve_loops.hpp"

namespace apexline::racing {

const CarKernels kAvx2CarKernels{drive, solve, solve_pair};

}  // namespace apexline::racing
