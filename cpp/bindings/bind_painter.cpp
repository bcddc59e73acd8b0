#include "apexline/racing/painter.hpp"
#include "arrays.hpp"
#include "bindings.hpp"

namespace apexline::bindings {
namespace {

using racing::FrameFormat;
using racing::Glyphs;
using racing::Painter;
using racing::Scene;

constexpr auto kCharacters = static_cast<py::ssize_t>(Glyphs::kCount);
constexpr auto kWheels = static_cast<py::ssize_t>(racing::kNumWheels);

Glyphs glyphs_of(const py::list& pictures, const py::object& steps) {
  if (static_cast<py::ssize_t>(pictures.size()) != kCharacters)
    throw py::value_error(text("glyphs holds ", pictures.size(), " pictures; expected ", kCharacters));
  Glyphs glyphs;
  for (std::size_t i = 0; i < Glyphs::kCount; ++i) {
    const std::string name = text("glyphs[", i, "]");
    const py::array picture = as_array(pictures[i]);
    require_dtype(picture, name.c_str(), py::dtype::of<std::uint8_t>());
    if (picture.ndim() != 2 || picture.size() == 0)
      throw py::value_error(text(name, " has no rows or columns; expected (height, width)"));
    if (i == 0) glyphs.height = static_cast<std::int32_t>(picture.shape(0));
    require_shape(picture, name.c_str(), {glyphs.height, picture.shape(1)});
    glyphs.characters[i].width = static_cast<std::int32_t>(picture.shape(1));
    const auto* values = data<std::uint8_t>(picture);
    glyphs.characters[i].coverage.assign(values, values + picture.size());
  }
  const py::array table = exact_array(steps, "steps", py::dtype::of<std::int32_t>(), {kCharacters, kCharacters});
  std::memcpy(glyphs.steps.data(), table.data(), sizeof(glyphs.steps));
  return glyphs;
}

racing::Pose pose_of(const float* values) { return {values[0], values[1], values[2], values[3], values[4]}; }

std::vector<racing::Quad> quads_of(const py::object& corners, const char* name) {
  const auto values = real_array<double>(corners, name);
  const py::ssize_t count = values.ndim() > 0 ? values.shape(0) : 0;
  require_shape(values, name, {count, 4, 2});
  std::vector<racing::Quad> quads(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < quads.size(); ++i)
    for (std::size_t corner = 0; corner < 4; ++corner)
      quads[i][corner] = {values.data()[i * 8 + corner * 2], values.data()[i * 8 + corner * 2 + 1]};
  return quads;
}

py::array_t<std::uint8_t> draw(Painter& self, const py::object& hull, const py::object& wheels, const py::object& phases,
               const py::object& omegas, std::pair<float, float> velocity, float spin, float steering_angle,
               double seconds, double score, const py::object& tiles, const py::object& touched,
               const py::object& kerbs, const py::object& kerb_tiles, const py::object& kerb_is_white,
               const py::object& colours) {
  const auto float32 = py::dtype::of<float>();
  const auto float64 = py::dtype::of<double>();
  const auto uint8 = py::dtype::of<std::uint8_t>();
  racing::Track track;
  track.tiles = quads_of(tiles, "tiles");
  const py::array seen = exact_array(touched, "touched", uint8, {track.num_tiles()});
  const auto kerb_quads = quads_of(kerbs, "kerbs");
  const auto num_kerbs = static_cast<py::ssize_t>(kerb_quads.size());
  const auto kerb_places = index_array(kerb_tiles, "kerb_tiles");
  require_shape(kerb_places, "kerb_tiles", {num_kerbs});
  const py::array kerb_white = exact_array(kerb_is_white, "kerb_is_white", py::dtype::of<bool>(), {num_kerbs});
  for (std::size_t i = 0; i < kerb_quads.size(); ++i)
    track.kerbs.push_back(
        {static_cast<std::int32_t>(kerb_places.data()[i]), data<bool>(kerb_white)[i], kerb_quads[i]});

  Scene scene;
  scene.track = &track;
  scene.touched = data<std::uint8_t>(seen);
  const py::array inks = exact_array(colours, "colours", uint8, {5, 3});
  const auto colour = [&](std::size_t i) {
    const std::uint8_t* rgb = data<std::uint8_t>(inks) + 3 * i;
    return racing::Rgb{rgb[0], rgb[1], rgb[2]};
  };
  scene.colours = {{colour(0), colour(1), colour(2)}, colour(3), colour(4)};
  scene.hull = pose_of(data<float>(exact_array(hull, "hull", float32, {5})));
  scene.velocity_x = velocity.first;
  scene.velocity_y = velocity.second;
  scene.spin = spin;
  const py::array poses = exact_array(wheels, "wheels", float32, {kWheels, 5});
  const py::array phase = exact_array(phases, "phases", float64, {kWheels});
  const py::array omega = exact_array(omegas, "omegas", float64, {kWheels});
  for (std::size_t i = 0; i < racing::kNumWheels; ++i)
    scene.wheels[i] = {pose_of(data<float>(poses) + 5 * i), data<double>(phase)[i], data<double>(omega)[i]};
  scene.steering_angle = steering_angle;
  scene.seconds = seconds;
  scene.score = score;

  const FrameFormat& format = self.format();
  Shape shape{format.size, format.size};
  if (!format.gray) shape.insert(format.interleaved ? shape.end() : shape.begin(), 3);
  py::array_t<std::uint8_t> frame(shape);
  self.draw(scene, frame.mutable_data());
  return frame;
}

}  // namespace

void bind_painter(py::module_& module) {
  py::class_<Painter>(module, "Painter", R"(Draws CarRacing's observation from the state of a game. For tests.

Args:
    crop_hud, gray, size: as EnvOptions has them.
    interleaved: colours last instead of first.
    glyphs: the pictures of "0123456789-", (height, width) uint8 each.
    steps: (11, 11) int32, how far a character is from the one before, in 1/64 pixel.

Raises:
    ValueError: an argument is out of range or has the wrong shape.)")
      .def(py::init([](bool crop_hud, bool gray, int size, bool interleaved, const py::list& glyphs,
                       const py::object& steps) {
             return Painter(FrameFormat{crop_hud, gray, size, interleaved}, glyphs_of(glyphs, steps));
           }),
           py::kw_only(), py::arg("crop_hud"), py::arg("gray"), py::arg("size"), py::arg("interleaved"),
           py::arg("glyphs"), py::arg("steps"))
      .def("draw", &draw, py::kw_only(), py::arg("hull"), py::arg("wheels"), py::arg("phases"), py::arg("omegas"),
           py::arg("velocity"), py::arg("spin"), py::arg("steering_angle"), py::arg("seconds"), py::arg("score"),
           py::arg("tiles"), py::arg("touched"), py::arg("kerbs"), py::arg("kerb_tiles"), py::arg("kerb_is_white"),
           py::arg("colours"),
           "A new frame. Poses are (x, y, angle, sine, cosine) float32: hull (5,), wheels (4, 5); phases and omegas\n"
           "(4,) float64; tiles (N, 4, 2) float64 and touched (N,) uint8; kerbs (K, 4, 2) float64 by kerb_tiles (K,)\n"
           "with kerb_is_white (K,) bool; colours (5, 3) uint8: three of the road, background, grass.");
}

}  // namespace apexline::bindings
