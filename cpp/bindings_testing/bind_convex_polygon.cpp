// Convex polygons as Box2D computes them.
#include "bindings/arrays.hpp"
#include "bindings_testing.hpp"
#include "racing/physics/gjk.hpp"

namespace apexline::bindings {
namespace {

using racing::ConvexPolygon;
using racing::Vec2;

ConvexPolygon hull_of(const py::object& points, const char* name) {
  const auto array = real_array<float>(points, name);
  if (array.ndim() != 2 || array.shape(1) != 2 || array.shape(0) < 3 || array.shape(0) > ConvexPolygon::kMaxVertices)
    throw py::value_error(text(name, " has shape ", shape_text(array.shape(), static_cast<std::size_t>(array.ndim())),
                               "; expected (3, 2) to (8, 2)"));
  std::vector<Vec2> corners;
  for (py::ssize_t i = 0; i < array.shape(0); ++i) corners.push_back({array.at(i, 0), array.at(i, 1)});
  const ConvexPolygon hull = racing::convex_hull(corners);
  if (hull.count < 3) throw py::value_error(text(name, " spans no area"));
  return hull;
}

py::array_t<float> convex_hull(const py::object& points) {
  const ConvexPolygon hull = hull_of(points, "points");
  py::array_t<float> vertices(Shape{hull.count, 2});
  for (py::ssize_t i = 0; i < hull.count; ++i) {
    vertices.mutable_at(i, 0) = hull.vertices[static_cast<std::size_t>(i)].x;
    vertices.mutable_at(i, 1) = hull.vertices[static_cast<std::size_t>(i)].y;
  }
  return vertices;
}

py::tuple polygon_mass(const py::object& points, float density) {
  const racing::Mass mass = racing::mass_of(hull_of(points, "points"), density);
  return py::make_tuple(mass.mass, mass.centre.x, mass.centre.y, mass.inertia);
}

bool polygons_overlap(const py::object& fixed, const py::object& moved, float x, float y, float sine, float cosine) {
  return racing::overlaps(hull_of(fixed, "fixed"), hull_of(moved, "moved"), {{x, y}, sine, cosine});
}

}  // namespace

void bind_convex_polygon(py::module_& module) {
  module.def("convex_hull", &convex_hull, py::arg("points"),
             "The corners (n, 2) float32 of the convex hull of 3 to 8 points, as b2PolygonShape orders them.");
  module.def("polygon_mass", &polygon_mass, py::arg("points"), py::arg("density"),
             "Mass, centre x and y, and inertia about the origin, as b2PolygonShape computes them.");
  module.def("polygons_overlap", &polygons_overlap, py::arg("fixed"), py::arg("moved"), py::arg("x"), py::arg("y"),
             py::arg("sine"), py::arg("cosine"),
             "b2TestOverlap of the hulls of two polygons, the second turned and moved.");
}

}  // namespace apexline::bindings
