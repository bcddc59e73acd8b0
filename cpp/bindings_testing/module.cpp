#include <pybind11/pybind11.h>

#include "bindings_testing.hpp"

PYBIND11_MODULE(_core_testing, module) {
  using namespace apexline::bindings;
  module.doc() = "Parts of the C++ core that only tests call. Built with APEXLINE_TEST_BINDINGS=ON; not in wheels.";
  bind_track(module);
  bind_convex_polygon(module);
  bind_painter(module);
  bind_exact_render(module);
}
