#include "stock_values.hpp"

#include <algorithm>

#include "bindings.hpp"

namespace apexline::bindings {
namespace {

std::size_t below(std::size_t index, std::size_t count, const char* name) {
  if (index >= count) throw py::index_error(text(name, " is ", index, "; expected 0 to ", count - 1));
  return index;
}

py::list vertices_of(const racing::ConvexPolygon& shape) {
  py::list vertices;
  for (std::size_t i = 0; i < static_cast<std::size_t>(shape.count); ++i)
    vertices.append(py::make_tuple(shape.vertices[i].x, shape.vertices[i].y));
  return vertices;
}

py::tuple episode_values(const racing::World& world, std::size_t env) {
  const racing::Episode& episode = world.episode(env);
  return py::make_tuple(episode.id(), episode.num_tiles(), episode.num_visited(), episode.seconds(), episode.score(),
                        episode.counted_score(), episode.lap_is_complete());
}

py::tuple body_values(const racing::World& world, std::size_t env, std::size_t body) {
  const racing::CarBlock& car = world.block_of(env);
  const std::size_t lane = env % racing::kLanes;
  const std::size_t i = below(body, racing::kNumBodies, "body");
  return py::make_tuple(world.episode(env).id(), car.x[i][lane], car.y[i][lane], car.angle[i][lane], car.sine[i][lane],
                        car.cosine[i][lane], car.centre_x[i][lane], car.centre_y[i][lane], car.velocity_x[i][lane],
                        car.velocity_y[i][lane], car.spin[i][lane]);
}

py::tuple wheel_values(const racing::World& world, std::size_t env, std::size_t wheel) {
  const racing::CarBlock& car = world.block_of(env);
  const racing::Episode& episode = world.episode(env);
  const std::size_t lane = env % racing::kLanes;
  const std::size_t i = below(wheel, racing::kNumWheels, "wheel");
  return py::make_tuple(episode.id(), car.steer[lane], car.gas[lane], car.brake[lane], car.omega[i][lane],
                        car.phase[i][lane], episode.skid_marks().is_starting(i), episode.skid_marks().mark_of(i));
}

py::tuple joint_values(const racing::World& world, std::size_t env, std::size_t wheel) {
  const racing::CarBlock& car = world.block_of(env);
  const std::size_t lane = env % racing::kLanes;
  const std::size_t i = below(wheel, racing::kNumWheels, "wheel");
  // The game multiplies with numpy.sign, which is never -0.
  const float motor_speed = car.motor_speed[i][lane] + 0.0F;
  return py::make_tuple(world.episode(env).id(), motor_speed, car.impulse_x[i][lane], car.impulse_y[i][lane],
                        car.limit_impulse[i][lane], car.motor_impulse[i][lane]);
}

py::tuple wheel_tiles(const racing::World& world, std::size_t env, std::size_t wheel) {
  const racing::Episode& episode = world.episode(env);
  const unsigned bit = 1U << below(wheel, racing::kNumWheels, "wheel");
  py::list tiles;
  for (std::size_t i = 0; i < episode.under_wheels().size(); ++i)
    if (episode.touching_wheels()[i] & bit) tiles.append(episode.under_wheels()[i]);
  return py::make_tuple(episode.id(), tiles);
}

py::tuple tile_values(const racing::World& world, std::size_t env, std::size_t tile) {
  const racing::Episode& episode = world.episode(env);
  const auto i = static_cast<std::int32_t>(below(tile, static_cast<std::size_t>(episode.num_tiles()), "tile"));
  return py::make_tuple(episode.id(), episode.is_visited(i), world.scene(env).touched[i] != 0);
}

py::list tile_vertices(const racing::World& world, std::size_t env, std::size_t tile) {
  const racing::Episode& episode = world.episode(env);
  const auto i = static_cast<std::int32_t>(below(tile, static_cast<std::size_t>(episode.num_tiles()), "tile"));
  return vertices_of(episode.road().shape(i));
}

py::array_t<double> palette_array(const racing::World& world, std::size_t env) {
  const racing::Palette& palette = world.episode(env).palette();
  py::array_t<double> colours(Shape{3, 3});
  double* out = colours.mutable_data();
  for (const racing::ColourValues* colour : {&palette.road, &palette.background, &palette.grass})
    out = std::copy(colour->begin(), colour->end(), out);
  return colours;
}

}  // namespace

py::list shape_vertices(bool hull) {
  py::list shapes;
  if (!hull) shapes.append(vertices_of(racing::chassis().wheel));
  if (hull)
    for (const racing::ConvexPolygon& part : racing::chassis().hull_parts) shapes.append(vertices_of(part));
  return shapes;
}

py::tuple mass_values(bool hull) {
  const racing::Body& body = hull ? racing::chassis().hull_body : racing::chassis().wheel_body;
  return py::make_tuple(body.mass, body.inertia, body.centre_of_mass.x, body.centre_of_mass.y);
}

void bind_stock_values(py::class_<ArrayWorld>& world) {
  const auto part = [](auto values) {
    return
        [values](const ArrayWorld& self, py::ssize_t env, std::size_t index) { return self.read(values, env, index); };
  };
  const auto game = [](auto values) {
    return [values](const ArrayWorld& self, py::ssize_t env) { return self.read(values, env); };
  };
  world
      .def("episode_values", game(episode_values), integer("env"),
           "Returns (episode, tiles of the road, visited tiles, t, reward, prev_reward, new_lap), the last four as\n"
           "CarRacing's attributes. The number of the episode is unique in the process; 0 before the first reset.")
      .def("palette", game(palette_array), integer("env"),
           "Returns the colours of road, background and grass, (3, 3) float64.")
      .def(
          "body_values", part(body_values), integer("env"), py::arg("body"),
          "Returns (episode, x, y, angle, sine, cosine, x and y of the centre of mass, velocity x, velocity y, spin).\n"
          "Bodies are the four wheels, then the hull.")
      .def("wheel_values", part(wheel_values), integer("env"), py::arg("wheel"),
           "Returns (episode, steer, gas, brake, omega, phase, whether a skid mark can start, index of its mark in\n"
           "skid_marks or -1: none, -2: dropped). Steering and gas are those of the car.")
      .def("joint_values", part(joint_values), integer("env"), py::arg("wheel"),
           "Returns (episode, motor speed, impulse x, impulse y, impulse of the limit, of the motor).")
      .def("wheel_tiles", part(wheel_tiles), integer("env"), py::arg("wheel"),
           "Returns (episode, indices of the tiles that the wheel touches, ascending).")
      .def("tile_values", part(tile_values), integer("env"), py::arg("tile"),
           "Returns (episode, whether a wheel has visited the tile, whether any part of the car has touched it).")
      .def("tile_vertices", part(tile_vertices), integer("env"), py::arg("tile"),
           "Returns the vertices of Box2D's polygon of a tile, pairs of float32.");
}

}  // namespace apexline::bindings
