// The road, the car and the skid marks of a game as NumPy arrays; apexline.racing.native.snapshots documents them.
#pragma once

#include "arrays.hpp"
#include "racing/world.hpp"

namespace apexline::bindings {

[[nodiscard]] py::dict track_arrays(const racing::World& world, std::size_t env);
// The fields of a CarSnapshot.
[[nodiscard]] py::dtype car_dtype();
// (count,) of that dtype: the cars of games from `first` on.
[[nodiscard]] py::array car_rows(const racing::World& world, const py::dtype& dtype, std::size_t first,
                                 std::size_t count);
[[nodiscard]] py::list skid_mark_arrays(const racing::World& world, std::size_t env);

}  // namespace apexline::bindings
