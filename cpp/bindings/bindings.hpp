#pragma once

#include <pybind11/pybind11.h>

namespace apexline::bindings {

void bind_sum_tree(pybind11::module_& module);
void bind_replay(pybind11::module_& module);
void bind_prefetcher(pybind11::module_& module);
void bind_replay_snapshot(pybind11::module_& module);
void bind_racing(pybind11::module_& module);

}  // namespace apexline::bindings
