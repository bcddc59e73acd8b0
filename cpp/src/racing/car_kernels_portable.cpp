#include "drive_loops.hpp"
#include "solve_loops.hpp"

namespace apexline::racing {

const CarKernels kPortableCarKernels{drive, solve, solve_pair};

}  // namespace apexline::racing
