#include <pybind11/pybind11.h>

#include <string>

#include "bindings.hpp"
#include "support/cpu.hpp"

#if defined(__clang__)
#define APEXLINE_COMPILER __VERSION__
#else
#define APEXLINE_COMPILER "GCC " __VERSION__
#endif

PYBIND11_MODULE(_core, module) {
  module.doc() = "The C++ core of apexline. Private: import from apexline.";
  module.attr("__version__") = APEXLINE_VERSION;
  module.attr("compiler") = APEXLINE_COMPILER;
  module.def(
      "isa", [] { return std::string(apexline::name(apexline::chosen_isa())); },
      "The instruction-set variant in use: portable, avx2 or avx512. The environment variable APEXLINE_ISA forces\n"
      "one; it is read once. Raises ValueError where it names none or one that is not supported.");
  apexline::bindings::bind_sum_tree(module);
  apexline::bindings::bind_replay(module);
  apexline::bindings::bind_prefetcher(module);
  apexline::bindings::bind_track(module);
  apexline::bindings::bind_polygon(module);
  apexline::bindings::bind_painter(module);
  apexline::bindings::bind_racing(module);
  apexline::bindings::bind_portrait(module);
}
