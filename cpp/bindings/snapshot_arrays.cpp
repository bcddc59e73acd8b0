#include "snapshot_arrays.hpp"

#include <array>
#include <cstddef>
#include <cstring>

namespace apexline::bindings {
namespace {

// One row of `cars`; bodies are the four wheels, then the hull.
struct CarRow {
  std::array<double, racing::kNumWheels> omega{}, phase{};
  double steer = 0, gas = 0, brake = 0, seconds = 0, score_on_screen = 0, reward = 0;
  std::array<float, racing::kNumBodies> x{}, y{}, angle{}, sine{}, cosine{}, velocity_x{}, velocity_y{}, spin{};
  std::int32_t frames = 0, num_visited = 0, num_tiles = 0;
  std::array<bool, racing::kNumWheels> on_road{};
  std::array<std::uint8_t, racing::kNumWheels> wheel_tiles{};
};

CarRow car_row(const racing::World& world, std::size_t env) {
  const racing::CarBlock& block = world.block_of(env);
  const racing::Episode& episode = world.episode(env);
  const std::size_t lane = env % racing::kLanes;
  CarRow row;
  for (std::size_t body = 0; body < racing::kNumBodies; ++body) {
    row.x[body] = block.x[body][lane];
    row.y[body] = block.y[body][lane];
    row.angle[body] = block.angle[body][lane];
    row.sine[body] = block.sine[body][lane];
    row.cosine[body] = block.cosine[body][lane];
    row.velocity_x[body] = block.velocity_x[body][lane];
    row.velocity_y[body] = block.velocity_y[body][lane];
    row.spin[body] = block.spin[body][lane];
  }
  for (std::size_t wheel = 0; wheel < racing::kNumWheels; ++wheel) {
    row.omega[wheel] = block.omega[wheel][lane];
    row.phase[wheel] = block.phase[wheel][lane];
    row.on_road[wheel] = block.on_road[wheel][lane] != 0;
    for (const unsigned wheels : episode.touching_wheels()) row.wheel_tiles[wheel] += (wheels >> wheel) & 1U;
  }
  row.steer = block.steer[lane];
  row.gas = block.gas[lane];
  row.brake = block.brake[lane];
  row.seconds = episode.seconds();
  row.score_on_screen = episode.score_on_screen();
  row.reward = episode.score();
  row.frames = episode.num_frames();
  row.num_visited = episode.num_visited();
  row.num_tiles = episode.num_tiles();
  return row;
}

}  // namespace

py::dtype car_dtype() {
  py::list names;
  py::list formats;
  py::list offsets;
  const auto field = [&](const char* name, const char* format, std::size_t offset) {
    names.append(name);
    formats.append(format);
    offsets.append(offset);
  };
  field("x", "(5,)f4", offsetof(CarRow, x));
  field("y", "(5,)f4", offsetof(CarRow, y));
  field("angle", "(5,)f4", offsetof(CarRow, angle));
  field("sine", "(5,)f4", offsetof(CarRow, sine));
  field("cosine", "(5,)f4", offsetof(CarRow, cosine));
  field("velocity_x", "(5,)f4", offsetof(CarRow, velocity_x));
  field("velocity_y", "(5,)f4", offsetof(CarRow, velocity_y));
  field("spin", "(5,)f4", offsetof(CarRow, spin));
  field("omega", "(4,)f8", offsetof(CarRow, omega));
  field("phase", "(4,)f8", offsetof(CarRow, phase));
  field("on_road", "(4,)?", offsetof(CarRow, on_road));
  field("wheel_tiles", "(4,)u1", offsetof(CarRow, wheel_tiles));
  field("steer", "f8", offsetof(CarRow, steer));
  field("gas", "f8", offsetof(CarRow, gas));
  field("brake", "f8", offsetof(CarRow, brake));
  field("seconds", "f8", offsetof(CarRow, seconds));
  field("score_on_screen", "f8", offsetof(CarRow, score_on_screen));
  field("reward", "f8", offsetof(CarRow, reward));
  field("frames", "i4", offsetof(CarRow, frames));
  field("num_visited", "i4", offsetof(CarRow, num_visited));
  field("num_tiles", "i4", offsetof(CarRow, num_tiles));
  return {names, formats, offsets, sizeof(CarRow)};
}

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
                  "kerbs"_a = kerbs, "start_tile"_a = episode.start_tile());
}

py::array car_rows(const racing::World& world, const py::dtype& dtype, std::size_t first, std::size_t count) {
  py::array rows(dtype, Shape{static_cast<py::ssize_t>(count)});
  auto* out = static_cast<CarRow*>(rows.mutable_data());
  for (std::size_t i = 0; i < count; ++i) out[i] = car_row(world, first + i);
  return rows;
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
