// The exact renderer and the shapes it draws, each callable by itself.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "array_scene.hpp"
#include "bindings/arrays.hpp"
#include "bindings/glyph_arrays.hpp"
#include "bindings_testing.hpp"
#include "racing/render/display_list.hpp"
#include "racing/render/exact/draw_indicators.hpp"
#include "racing/render/exact/exact_frame.hpp"
#include "racing/render/exact/pygame_draw.hpp"
#include "racing/render/exact/smoothscale_canvas.hpp"

namespace apexline::bindings {
namespace {

using racing::Canvas;

double finite(double value, const char* name) {
  if (!std::isfinite(value)) throw py::value_error(text(name, " is ", value, "; expected a finite number"));
  return value;
}

py::array_t<double> finite_array(const py::handle& object, const char* name, const Shape& shape) {
  const auto array = exact_array(object, name, py::dtype::of<double>(), shape).cast<py::array_t<double>>();
  for (const double value : view(array)) finite(value, name);
  return array;
}

// As many rows of this shape as there are.
py::array_t<double> finite_rows(const py::handle& object, const char* name, Shape shape) {
  const py::array array = as_array(object);
  if (array.ndim() == 0) throw py::value_error(text(name, " has 0 dimensions; expected ", shape.size() + 1));
  shape.insert(shape.begin(), array.shape(0));
  return finite_array(array, name, shape);
}

// (height, width, 3) uint8 of at least one pixel
py::array image_of(const py::handle& object) {
  const py::array array = as_array(object);
  if (array.ndim() != 3) throw py::value_error(text("image has ", array.ndim(), " dimensions; expected 3"));
  return exact_array(array, "image", py::dtype::of<std::uint8_t>(), {array.shape(0), array.shape(1), 3});
}

Canvas canvas_of(const py::array& image) {
  Canvas canvas(static_cast<int>(image.shape(1)), static_cast<int>(image.shape(0)));
  const auto* rgb = data<std::uint8_t>(image);
  for (int y = 0; y < canvas.height(); ++y) {
    for (int x = 0; x < canvas.width(); ++x, rgb += 3) canvas.set(x, y, {rgb[0], rgb[1], rgb[2]});
  }
  return canvas;
}

py::array_t<std::uint8_t> new_image(int width, int height) {
  return py::array_t<std::uint8_t>(Shape{height, width, 3});
}

py::array_t<std::uint8_t> draw_shape(const py::object& image, const std::string& kind, const py::object& points,
                                     const racing::Rgb& colour) {
  const auto corners = index_array(points, "points");
  if (corners.ndim() != 2) throw py::value_error(text("points has ", corners.ndim(), " dimensions; expected 2"));
  require_shape(corners, "points", {corners.shape(0), 2});
  std::vector<racing::PixelPoint> pixels;
  for (py::ssize_t i = 0; i < corners.shape(0); ++i)
    pixels.push_back({static_cast<std::int32_t>(corners.at(i, 0)), static_cast<std::int32_t>(corners.at(i, 1))});

  const auto draw = kind == "gfx_outline" ? racing::gfx::outline_polygon
                    : kind == "gfx_fill"  ? racing::gfx::fill_polygon
                    : kind == "fill"      ? racing::draw::fill_polygon
                    : kind == "lines"     ? racing::draw::lines
                                          : nullptr;
  if (draw == nullptr) throw py::value_error(text("kind is ", kind, "; expected gfx_outline, gfx_fill, fill or lines"));
  const std::size_t least = kind == "lines" ? 2 : kind == "fill" ? 4 : 3;
  if (pixels.size() < least) throw py::value_error(text("points holds ", pixels.size(), "; expected ", least));

  const py::array old = image_of(image);
  Canvas canvas = canvas_of(old);
  draw(canvas, pixels, colour);
  auto drawn = new_image(canvas.width(), canvas.height());
  canvas.copy_to(drawn.mutable_data());
  return drawn;
}

py::array_t<std::uint8_t> smoothscale(const py::object& image, int width, int height) {
  const Canvas canvas = canvas_of(image_of(image));
  racing::SmoothScaler scaler(canvas.width(), canvas.height(), width, height);
  auto scaled = new_image(width, height);
  scaler.scale(canvas, scaled.mutable_data());
  return scaled;
}

py::array_t<std::uint8_t> score_image(double score, const py::tuple& glyphs) {
  Canvas canvas(200, 100);
  racing::draw_score(canvas, finite(score, "score"), glyphs_of(glyphs), {60, 50});
  auto image = new_image(canvas.width(), canvas.height());
  canvas.copy_to(image.mutable_data());
  return image;
}

std::vector<racing::SkidMark> skid_marks_of(const std::vector<std::pair<bool, py::object>>& marks) {
  std::vector<racing::SkidMark> all;
  for (const auto& [on_grass, points] : marks) {
    const auto places = finite_rows(points, "points of a skid mark", {2});
    if (places.shape(0) < 2)
      throw py::value_error(text("skid_marks[", all.size(), "] has ", places.shape(0), " points; expected 2 or more"));
    racing::SkidMark& mark = all.emplace_back(racing::SkidMark{on_grass, {}});
    for (py::ssize_t i = 0; i < places.shape(0); ++i) mark.points.push_back({places.at(i, 0), places.at(i, 1)});
  }
  return all;
}

py::array_t<std::uint8_t> exact_frame(const ArrayScene& scene, int width, int height,
                                      const std::vector<std::pair<bool, py::object>>& skid_marks,
                                      const py::tuple& glyphs) {
  const auto marks = skid_marks_of(skid_marks);
  const racing::Glyphs table = glyphs_of(glyphs);
  Canvas canvas(racing::kSurfaceWidth, racing::kSurfaceHeight);
  racing::SmoothScaler scaler(canvas.width(), canvas.height(), width, height);
  auto image = new_image(width, height);
  std::uint8_t* rgb = image.mutable_data();
  const py::gil_scoped_release released;
  racing::draw_exact_frame(canvas, scene.scene(), marks, table);
  scaler.scale(canvas, rgb);
  return image;
}

}  // namespace

void bind_exact_render(py::module_& module) {
  module.def(
      "draw_shape",
      [](const py::object& image, const std::string& kind, const py::object& points,
         const std::array<std::uint8_t, 3>& colour) {
        return draw_shape(image, kind, points, {colour[0], colour[1], colour[2]});
      },
      py::arg("image"), py::arg("kind"), py::arg("points"), py::arg("colour"),
      "A copy of image (height, width, 3) uint8 with one shape of integer points (n, 2) on it, of the kind\n"
      "gfx_outline, gfx_fill, fill or lines.");
  module.def("smoothscale", &smoothscale, py::arg("image"), py::arg("width"), py::arg("height"),
             "image (h, w, 3) uint8 shrunk to (height, width, 3) as pygame.transform.smoothscale does.");
  module.def("score_image", &score_image, py::arg("score"), py::arg("glyphs"),
             "The score on the left of the black strip: (100, 200, 3) uint8 with its middle in column 60, row 50.");
  module.def(
      "exact_frame", &exact_frame, py::arg("scene"), py::arg("width"), py::arg("height"), py::arg("skid_marks"),
      py::arg("glyphs"),
      "The stock game's image (height, width, 3) uint8 of a scene. skid_marks are pairs of whether on grass and\n"
      "points (n, 2) float64; glyphs are the arrays of a GlyphTable.");
}

}  // namespace apexline::bindings
