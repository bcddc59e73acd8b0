// The numbers behind the stock game's attributes, one object of the game a call, as tuples of Python numbers: cheaper
// than arrays. apexline.racing.native.stock_view names them.
#pragma once

#include "array_world.hpp"

namespace apexline::bindings {

void bind_stock_values(py::class_<ArrayWorld>& world);

// (mass, inertia about the origin, x and y of the centre of mass) of the hull, or of a wheel.
[[nodiscard]] py::tuple mass_values(bool hull);
// The vertices of the polygons of the hull, or of a wheel, as lists of pairs.
[[nodiscard]] py::list shape_vertices(bool hull);

}  // namespace apexline::bindings
