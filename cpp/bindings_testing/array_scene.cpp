#include "array_scene.hpp"

#include "bindings/arrays.hpp"

namespace apexline::bindings {
namespace {

constexpr auto kWheels = static_cast<py::ssize_t>(racing::kNumWheels);

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

}  // namespace

std::unique_ptr<ArrayScene> scene_of(const py::object& hull, const py::object& wheels, const py::object& phases,
                                     const py::object& omegas, std::pair<float, float> velocity, float spin,
                                     float steering_angle, double seconds, double score, const py::object& tiles,
                                     const py::object& touched, const py::object& kerbs, const py::object& kerb_tiles,
                                     const py::object& kerb_is_white, const py::object& colours, double zoom) {
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
    track.kerbs.push_back({static_cast<std::int32_t>(kerb_places.data()[i]), data<bool>(kerb_white)[i], kerb_quads[i]});

  racing::Scene scene;
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
  scene.zoom = zoom;
  const auto* tiles_touched = data<std::uint8_t>(seen);
  return std::make_unique<ArrayScene>(std::move(track),
                                      std::vector<std::uint8_t>(tiles_touched, tiles_touched + seen.size()), scene);
}

}  // namespace apexline::bindings
