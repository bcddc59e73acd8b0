#pragma once

#include <pybind11/pybind11.h>

namespace apexline::bindings {

void bind_convex_polygon(pybind11::module_& module);
void bind_exact_render(pybind11::module_& module);
void bind_painter(pybind11::module_& module);
void bind_track(pybind11::module_& module);

}  // namespace apexline::bindings
