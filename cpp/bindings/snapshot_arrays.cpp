#include "snapshot_arrays.hpp"

#include <cstring>

namespace apexline::bindings {

py::dict track_arrays(const racing::World& world, std::size_t env) {
  const racing::Episode& episode = world.episode(env);
  const racing::Track& track = episode.track();
  const racing::Scene scene = world.scene(env);
  const auto count = static_cast<py::ssize_t>(track.tiles.size());
  const auto num_kerbs = static_cast<py::ssize_t>(track.kerbs.size());
  py::array_t<double> nodes(Shape{count, 4});
  py::array_t<double> tiles(Shape{count, 4, 2});
  py::array_t<bool> visited(count);
  py::array_t<bool> touched(count);
  if (count > 0) {
    std::memcpy(nodes.mutable_data(), track.nodes.data(), track.nodes.size() * sizeof(racing::Node));
    std::memcpy(tiles.mutable_data(), track.tiles.data(), track.tiles.size() * sizeof(racing::Quad));
  }
  for (py::ssize_t tile = 0; tile < count; ++tile) {
    visited.mutable_at(tile) = episode.is_visited(static_cast<std::int32_t>(tile));
    touched.mutable_at(tile) = scene.touched[tile] != 0;
  }
  py::array_t<std::int32_t> kerb_tiles(num_kerbs);
  py::array_t<bool> kerb_is_white(num_kerbs);
  py::array_t<double> kerbs(Shape{num_kerbs, 4, 2});
  for (py::ssize_t i = 0; i < num_kerbs; ++i) {
    const racing::Kerb& kerb = track.kerbs[static_cast<std::size_t>(i)];
    kerb_tiles.mutable_at(i) = kerb.tile;
    kerb_is_white.mutable_at(i) = kerb.is_white;
    std::memcpy(kerbs.mutable_data() + 8 * i, kerb.corners.data(), sizeof(racing::Quad));
  }
  const auto& under = episode.under_wheels();
  const py::array_t<std::int32_t> under_wheels(static_cast<py::ssize_t>(under.size()), under.data());
  using namespace py::literals;
  return py::dict("nodes"_a = nodes, "tiles"_a = tiles, "visited"_a = visited, "touched"_a = touched,
                  "under_wheels"_a = under_wheels, "kerb_tiles"_a = kerb_tiles, "kerb_is_white"_a = kerb_is_white,
                  "kerbs"_a = kerbs);
}

// Bodies are the four wheels, then the hull.
py::dict car_arrays(const racing::World& world, std::size_t env) {
  const racing::CarBlock& block = world.block_of(env);
  const std::size_t lane = env % racing::kLanes;
  const auto column = [lane](const auto& rows) {
    using Value = typename std::decay_t<decltype(rows[0])>::value_type;
    py::array_t<Value> values(static_cast<py::ssize_t>(rows.size()));
    for (std::size_t row = 0; row < rows.size(); ++row)
      values.mutable_at(static_cast<py::ssize_t>(row)) = rows[row][lane];
    return values;
  };
  py::array_t<bool> on_road(static_cast<py::ssize_t>(racing::kNumWheels));
  for (std::size_t wheel = 0; wheel < racing::kNumWheels; ++wheel)
    on_road.mutable_at(static_cast<py::ssize_t>(wheel)) = block.on_road[wheel][lane] != 0;
  const racing::Scene scene = world.scene(env);
  using namespace py::literals;
  return py::dict("x"_a = column(block.x), "y"_a = column(block.y), "angle"_a = column(block.angle),
                  "sine"_a = column(block.sine), "cosine"_a = column(block.cosine),
                  "velocity_x"_a = column(block.velocity_x), "velocity_y"_a = column(block.velocity_y),
                  "spin"_a = column(block.spin), "omega"_a = column(block.omega), "phase"_a = column(block.phase),
                  "on_road"_a = on_road, "steer"_a = block.steer[lane], "gas"_a = block.gas[lane],
                  "brake"_a = block.brake[lane], "seconds"_a = scene.seconds, "score_on_screen"_a = scene.score);
}

py::list skid_mark_arrays(const racing::World& world, std::size_t env) {
  py::list marks;
  for (const racing::SkidMark& mark : world.episode(env).skid_marks().marks()) {
    py::array_t<double> points(Shape{static_cast<py::ssize_t>(mark.points.size()), 2});
    std::memcpy(points.mutable_data(), mark.points.data(), mark.points.size() * sizeof(racing::Point));
    marks.append(py::make_tuple(mark.on_grass, points));
  }
  return marks;
}

}  // namespace apexline::bindings
