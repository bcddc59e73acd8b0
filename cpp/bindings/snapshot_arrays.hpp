// The road, the car and the skid marks of a game as NumPy arrays; apexline.racing.native.snapshots documents them.
#pragma once

#include "arrays.hpp"
#include "racing/world.hpp"

namespace apexline::bindings {

[[nodiscard]] py::dict track_arrays(const racing::World& world, std::size_t env);
[[nodiscard]] py::dict car_arrays(const racing::World& world, std::size_t env);
[[nodiscard]] py::list skid_mark_arrays(const racing::World& world, std::size_t env);

}  // namespace apexline::bindings
