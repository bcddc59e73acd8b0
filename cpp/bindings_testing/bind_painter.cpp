#include "racing/render/frame/painter.hpp"

#include "array_scene.hpp"
#include "bindings/arrays.hpp"
#include "bindings/glyph_arrays.hpp"
#include "bindings_testing.hpp"

namespace apexline::bindings {
namespace {

using racing::FrameFormat;
using racing::Painter;

py::array_t<std::uint8_t> draw(Painter& self, const ArrayScene& scene) {
  py::array_t<std::uint8_t> frame(self.format().shape().extents());
  self.draw(scene.scene(), frame.mutable_data());
  return frame;
}

py::list polygons(const ArrayScene& scene) {
  std::vector<racing::DisplayPolygon> listed;
  racing::list_polygons(scene.scene(), listed);
  py::list out;
  for (const racing::DisplayPolygon& polygon : listed) {
    py::list corners;
    for (std::size_t i = 0; i < polygon.num_corners; ++i) corners.append(py::make_tuple(polygon.x[i], polygon.y[i]));
    out.append(py::make_tuple(static_cast<int>(polygon.ink), polygon.brush == racing::Brush::kSmooth, corners));
  }
  return out;
}

}  // namespace

void bind_painter(py::module_& module) {
  py::class_<ArrayScene>(module, "Scene", R"(Everything that one image of the game shows.

Args:
    hull: (5,) float32, a pose: x, y, angle and its sine and cosine.
    wheels: (4, 5) float32, a pose each.
    phases, omegas: (4,) float64, angle and angular velocity of the wheels' rolling.
    velocity, spin: linear and angular velocity of the hull.
    steering_angle: angle of the front left joint.
    seconds: game time since reset.
    score: the score in the image.
    tiles: (N, 4, 2) float64.
    touched: (N,) uint8.
    kerbs: (K, 4, 2) float64, each drawn after its tile of kerb_tiles (K,), white where kerb_is_white (K,) bool.
    colours: (5, 3) uint8, three of the road, background, grass.
    zoom: of the camera, from 0.1 to 5.

Raises:
    ValueError, TypeError: an array has the wrong shape or dtype.)")
      .def(py::init(&scene_of), py::kw_only(), py::arg("hull"), py::arg("wheels"), py::arg("phases"), py::arg("omegas"),
           py::arg("velocity"), py::arg("spin"), py::arg("steering_angle"), py::arg("seconds"), py::arg("score"),
           py::arg("tiles"), py::arg("touched"), py::arg("kerbs"), py::arg("kerb_tiles"), py::arg("kerb_is_white"),
           py::arg("colours"), py::arg("zoom") = racing::kZoom);
  py::class_<Painter>(module, "Painter", R"(Draws CarRacing's observation.

Args:
    crop_hud, gray, frame_size, channels_first, road_contrast, keep_dim: as in GameOptions; frame_size is
        (height, width).
    glyphs: the arrays of a GlyphTable.

Raises:
    ValueError: an argument is out of range or has the wrong shape.)")
      .def(py::init([](bool crop_hud, bool gray, std::pair<int, int> frame_size, bool channels_first,
                       bool road_contrast, bool keep_dim, const py::tuple& glyphs) {
             const racing::FrameSize size(frame_size.first, frame_size.second);
             return Painter(FrameFormat{crop_hud, gray, size, channels_first, road_contrast, keep_dim},
                            glyphs_of(glyphs));
           }),
           py::kw_only(), py::arg("crop_hud"), py::arg("gray"), py::arg("frame_size"),
           py::arg("channels_first") = false, py::arg("road_contrast") = false, py::arg("keep_dim") = false,
           py::arg("glyphs"))
      .def("draw", &draw, py::arg("scene"), "Returns a new frame.");
  module.def("polygons", &polygons, py::arg("scene"),
             "The polygons drawn before the indicators, in order: (ink, whether antialiased, corners).");
}

}  // namespace apexline::bindings
