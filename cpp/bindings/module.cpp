#include <pybind11/pybind11.h>

#include "bindings.hpp"

PYBIND11_MODULE(_core, module) {
  module.doc() = "The C++ core of apexline. Private: import from apexline.";
  module.attr("__version__") = APEXLINE_VERSION;
  module.attr("compiler") = __VERSION__;
  apexline::bindings::bind_sum_tree(module);
  apexline::bindings::bind_replay(module);
}
