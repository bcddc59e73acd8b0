#include "drive_loops.hpp"
#include "solve_loops.hpp"

namespace apexline::racing {

const CarKernels kAvx2CarKernels{drive, solve, solve_pair};

}  // namespace apexline::racing
