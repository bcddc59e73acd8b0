#include <pybind11/pybind11.h>

#include "bindings.hpp"

#if defined(__clang__)
#define APEXLINE_COMPILER __VERSION__
#else
#define APEXLINE_COMPILER "GCC " __VERSION__
#endif

PYBIND11_MODULE(_core, module) {
  module.doc() = "The C++ core of apexline. Private: import from apexline.";
  module.attr("__version__") = APEXLINE_VERSION;
  module.attr("compiler") = APEXLINE_COMPILER;
  module.attr("isa") = "portable";
  apexline::bindings::bind_sum_tree(module);
  apexline::bindings::bind_replay(module);
}
