#pragma once

#include <pybind11/pybind11.h>

namespace apexline::bindings {

// A signed integer argument: otherwise pybind11 also calls `__int__`, which makes 0 of a fraction.
inline pybind11::arg integer(const char* name) { return pybind11::arg(name).noconvert(); }

void bind_sum_tree(pybind11::module_& module);
void bind_replay(pybind11::module_& module);
void bind_prefetcher(pybind11::module_& module);
void bind_replay_snapshot(pybind11::module_& module);
void bind_racing(pybind11::module_& module);

}  // namespace apexline::bindings
