#include <cstring>
#include <type_traits>

#include "bindings/arrays.hpp"
#include "bindings/random_words.hpp"
#include "bindings_testing.hpp"
#include "racing/base/track.hpp"
#include "racing/game/palette.hpp"

namespace apexline::bindings {
namespace {

using racing::Pcg64;

std::uint32_t integers(Pcg64& self, std::uint32_t bound) {
  if (bound < 2) throw py::value_error(text("bound is ", bound, "; expected an integer >= 2"));
  return self.integers(bound);
}

// Rows of doubles that lie in `items` one after another.
template <class Item>
py::array_t<double> doubles(const std::vector<Item>& items, const Shape& row) {
  Shape shape{static_cast<py::ssize_t>(items.size())};
  shape.insert(shape.end(), row.begin(), row.end());
  py::array_t<double> out(shape);
  static_assert(std::is_trivially_copyable_v<Item> && sizeof(Item) % sizeof(double) == 0);
  std::memcpy(out.mutable_data(), items.data(), items.size() * sizeof(Item));
  return out;
}

py::tuple create_track(Pcg64& random) {
  racing::Track track;
  const int failed = racing::create_track(random, track);
  const auto num_kerbs = static_cast<py::ssize_t>(track.kerbs.size());
  py::array_t<std::int32_t> kerb_tiles(num_kerbs);
  py::array_t<bool> kerb_is_white(num_kerbs);
  std::vector<racing::Quad> kerbs;
  for (const racing::Kerb& kerb : track.kerbs) {
    const auto place = static_cast<py::ssize_t>(kerbs.size());
    kerb_tiles.mutable_at(place) = kerb.tile;
    kerb_is_white.mutable_at(place) = kerb.is_white;
    kerbs.push_back(kerb.corners);
  }
  return py::make_tuple(doubles(track.nodes, {4}), doubles(track.tiles, {4, 2}), kerb_tiles, kerb_is_white,
                        doubles(kerbs, {4, 2}), failed);
}

py::tuple draw_colours(Pcg64& random) {
  const racing::Palette palette = racing::random_palette(random);
  const racing::Colours drawn = racing::surface_colours(palette);
  const std::vector<racing::ColourValues> values{palette.road, palette.background, palette.grass};
  py::array_t<std::uint8_t> colours(Shape{5, 3});
  py::ssize_t row = 0;
  for (const racing::Rgb& colour : {drawn.road[0], drawn.road[1], drawn.road[2], drawn.background, drawn.grass}) {
    colours.mutable_at(row, 0) = colour.red;
    colours.mutable_at(row, 1) = colour.green;
    colours.mutable_at(row, 2) = colour.blue;
    ++row;
  }
  return py::make_tuple(doubles(values, {3}), colours);
}

}  // namespace

void bind_track(py::module_& module) {
  py::class_<Pcg64>(module, "Pcg64", R"(NumPy's PCG64 generator, bit for bit.

Args:
    state: (6,) uint64: the high and low half of `state`, those of `inc`, `has_uint32` and `uinteger`, as in
        numpy.random.PCG64().state.)")
      .def(py::init([](const py::object& state) { return Pcg64(random_state(state, "state")); }), py::arg("state"))
      .def_property_readonly("state", &random_words, "A copy of the state, as in the constructor.")
      .def("uniform", &Pcg64::uniform, py::arg("low"), py::arg("high"), "numpy.random.Generator.uniform(low, high).")
      .def("integers", &integers, py::arg("bound"), "numpy.random.Generator.integers(bound); bound is >= 2.");
  module.def(
      "create_track", &create_track, py::arg("random"),
      "The track that CarRacing.reset creates from these random numbers; lengths in units, angles in radians:\n\n"
      "    nodes (N, 4) float64: alpha, beta, x, y of CarRacing.track\n"
      "    tiles (N, 4, 2) float64: corners in the order of road_poly\n"
      "    kerb_tiles (K,) int32: the tile that each kerb is drawn after\n"
      "    kerb_is_white (K,) bool: else red\n"
      "    kerbs (K, 4, 2) float64: corners in the order of road_poly\n"
      "    failed: number of failed attempts before");
  module.def("draw_colours", &draw_colours, py::arg("random"),
             "The colours that CarRacing draws before the track with domain_randomize:\n\n"
             "    values (3, 3) float64: road, background and grass, by red, green and blue\n"
             "    colours (5, 3) uint8: as drawn: the road of tiles 0, 1 and 2, background, grass");
}

}  // namespace apexline::bindings
