// apexline._core.racing: reads GameOptions and ShapingRules, and binds ArrayWorld.
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "array_world.hpp"
#include "bindings.hpp"
#include "glyph_arrays.hpp"
#include "random_words.hpp"
#include "stock_values.hpp"

namespace apexline::bindings {
namespace {

template <class T>
T field(const py::object& options, const char* name) {
  const py::object value = options.attr(name);
  try {
    return value.cast<T>();
  } catch (const py::cast_error&) {
    throw py::type_error(
        text(name, " is ", py::repr(value).cast<std::string>(), "; expected the type that its class documents"));
  }
}

void require_from_1(const char* name, std::int64_t value, std::int64_t most) {
  if (value < 1 || value > most) throw py::value_error(text(name, " is ", value, "; expected from 1 to ", most));
}

constexpr std::int64_t kMaxThreads = 1024;  // as of a replay

// From a ShapingRules or None.
racing::ShapingOptions shaping_of(const py::object& rules) {
  if (rules.is_none()) return {};
  return {.stall_steps = field<std::optional<std::int32_t>>(rules, "stall_steps"),
          .stall_penalty = field<double>(rules, "stall_penalty"),
          .idle_penalty = field<double>(rules, "idle_penalty"),
          .lap_bonus = field<std::optional<double>>(rules, "lap_bonus"),
          .missed_tile_penalty = field<double>(rules, "missed_tile_penalty"),
          .missed_tile_margin = field<std::int32_t>(rules, "missed_tile_margin")};
}

// The track that every episode of a GameOptions has; null: a random one each. `state`: (6,) uint64, the random state that
// the game's track_seed gives.
std::shared_ptr<const racing::Track> track_of(const py::object& options, const py::object& state) {
  const py::object nodes = options.attr("track");
  if (nodes.is_none() && options.attr("track_seed").is_none()) return nullptr;
  auto track = std::make_shared<racing::Track>();
  if (nodes.is_none()) {
    racing::Pcg64 random(random_state(state, "track_state"));
    racing::create_track(random, *track);
  } else {
    std::vector<racing::Node> line;
    for (const auto& [alpha, beta, x, y] : field<std::vector<std::array<double, 4>>>(options, "track"))
      line.push_back({alpha, beta, x, y});
    if (line.empty()) throw py::value_error("track has 0 nodes; expected at least 1");
    racing::build_track(line, *track);
  }
  return track;
}

// From a GameOptions, without its kind of action and its track.
racing::WorldOptions world_options_of(const py::object& options) {
  racing::WorldOptions out;
  out.game.max_episode_frames = field<std::optional<std::int32_t>>(options, "max_episode_frames");
  out.game.domain_randomize = field<bool>(options, "domain_randomize");
  out.game.ends_at_start_line = field<bool>(options, "ends_at_start_line");
  out.game.lap_complete_percent = field<double>(options, "lap_complete_percent");
  const py::object start = options.attr("start_tile");
  out.game.start_tile.reset();
  if (!py::isinstance<py::str>(start)) out.game.start_tile = start.cast<std::int32_t>();
  out.game.start_speed = field<double>(options, "start_speed");
  out.game.friction = field<double>(options, "friction");
  out.game.engine_power = field<double>(options, "engine_power");
  out.game.zoom = field<double>(options, "zoom");
  out.action_repeat = field<std::int32_t>(options, "action_repeat");
  out.skip_zoom = field<std::int32_t>(options, "skip_zoom");
  out.frame_stack = field<std::int32_t>(options, "frame_stack");
  out.format.crop_hud = field<bool>(options, "crop_hud");
  out.format.gray = field<bool>(options, "gray");
  const auto [height, width] = field<std::pair<int, int>>(options, "image_size");
  out.format.frame_size = {height, width};
  out.format.channels_first = field<bool>(options, "channels_first");
  out.format.road_contrast = field<bool>(options, "road_contrast");
  out.format.keep_dim = field<bool>(options, "keep_dim");
  return out;
}

ActionKind action_kind_of(const py::object& options) {
  if (!field<bool>(options, "continuous")) return ActionKind::kDiscrete;
  return field<bool>(options, "pedal") ? ActionKind::kPedal : ActionKind::kContinuous;
}

racing::Autoreset autoreset_of(const std::string& name) {
  if (name == "next_step") return racing::Autoreset::kNextStep;
  if (name == "same_step") return racing::Autoreset::kSameStep;
  if (name == "disabled") return racing::Autoreset::kDisabled;
  if (name == "continue") return racing::Autoreset::kContinue;
  throw py::value_error(text("autoreset is ", name, "; expected next_step, same_step, disabled or continue"));
}

std::unique_ptr<ArrayWorld> make_world(const py::object& options, const py::object& states,
                                       const std::string& autoreset, const py::object& rules, bool keeps_skid_marks,
                                       const py::tuple& glyphs, int num_threads, bool is_single,
                                       const py::object& track_state) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  require_from_1("num_threads", num_threads, kMaxThreads);
  const auto random = random_states(states, "states");
  require_from_1("num_envs", static_cast<std::int64_t>(random.size()), most);
  racing::WorldOptions world = world_options_of(options);
  require_from_1("action_repeat", world.action_repeat, most);
  require_from_1("frame_stack", world.frame_stack, most);
  world.num_envs = static_cast<std::int32_t>(random.size());
  world.rules = shaping_of(rules);
  world.autoreset = autoreset_of(autoreset);
  world.game.keeps_skid_marks = keeps_skid_marks;
  world.game.track = track_of(options, track_state);
  world.num_threads = num_threads;
  const ActionFormat actions{.kind = action_kind_of(options), .is_single = is_single};
  return construct<ArrayWorld>(world, actions, glyphs_of(glyphs), random);
}

}  // namespace

void bind_racing(py::module_& module) {
  py::register_exception<ResetNeededError>(module, "ResetNeededError", PyExc_RuntimeError);
  py::register_exception<InvalidActionError>(module, "InvalidActionError", PyExc_ValueError);
  py::class_<ArrayWorld> world(module, "World", R"(Games of CarRacing stepped together.

Checks actions, shapes and dtypes; apexline.racing has checked everything else that it passes.

Args:
    options: a GameOptions.
    states: (num_envs, 6) uint64, the random state of each game: see apexline.racing.native.rng.
    autoreset: "next_step", "same_step", "disabled" or "continue" (games that have ended are stepped on).
    rules: a ShapingRules or None.
    keeps_skid_marks: whether skid marks are recorded.
    glyphs: the arrays of a GlyphTable.
    num_threads: threads, the caller's included.
    is_single: whether `step` takes the action of one game, or None, instead of one per game.
    track_state: (6,) uint64, the random state that options.track_seed gives, if it is not None.)");
  world
      .def(py::init(&make_world), py::arg("options"), py::kw_only(), py::arg("states"), py::arg("autoreset"),
           py::arg("rules"), py::arg("keeps_skid_marks"), py::arg("glyphs"), integer("num_threads"),
           py::arg("is_single") = false, py::arg("track_state") = py::none())
      .def(
          "set_rules", [](ArrayWorld& self, const py::object& rules) { self.set_rules(shaping_of(rules)); },
          py::arg("rules"), "Replaces the shaping rules from the next step on: a ShapingRules or None.")
      .def("checked_ids", &ArrayWorld::checked_ids, py::arg("env_ids"),
           "Returns `env_ids` as (n,) int64. Raises IndexError, TypeError or ValueError unless they are n >= 1 "
           "different\n"
           "integers from 0 to num_envs - 1.")
      .def("reset", &ArrayWorld::reset, py::arg("resets"), py::arg("recolours"), py::arg("reseeds"), py::arg("states"),
           py::arg("env_ids") = py::none(), py::arg("out") = py::none(),
           "Starts episodes in the games selected by `resets`: frames and reports, whose other rows are undefined.")
      .def("step", &ArrayWorld::step, py::arg("actions"), py::arg("env_ids") = py::none(), py::arg("out") = py::none(),
           "Steps the games: frames, reports, and with same-step autoreset, if an episode ended, last frames and last\n"
           "reports of the episodes that ended; else None.")
      .def("observe", &ArrayWorld::observe, py::arg("env_ids") = py::none(), py::arg("out") = py::none(),
           "Returns the current frames.")
      .def("exact_frame", &ArrayWorld::exact_frame, integer("env"), integer("width"), integer("height"),
           py::arg("with_skid_marks"), "Returns the image of a game as pygame draws it, (height, width, 3) uint8.")
      .def("track", &ArrayWorld::track, integer("env"), "Returns the fields of a TrackSnapshot.")
      .def("car", &ArrayWorld::car, integer("env"), "Returns the fields of a CarSnapshot, structured.")
      .def("cars", &ArrayWorld::cars, "Returns the fields of a CarSnapshot of every game, (num_envs,) structured.")
      .def("skid_marks", &ArrayWorld::skid_marks, integer("env"),
           "Returns pairs of whether the mark is on grass and its points (n, 2).")
      .def("failed_tracks", &ArrayWorld::failed_tracks, integer("env"),
           "Returns the number of failed attempts before the current track.")
      .def("random_state", &ArrayWorld::random_state, integer("env"),
           "Returns the random state of a game, (6,) uint64.")
      .def("save", &ArrayWorld::save, integer("env"), py::arg("total") = 0.0, integer("steps") = 0,
           py::arg("seconds") = 0.0, "Returns the state of a game with statistics of its episode, under one checksum.")
      .def(
          "load", &ArrayWorld::load, py::arg("envs"), py::arg("states"),
          "Restores the states of games and returns their statistics. Raises ValueError, naming the game, and changes\n"
          "nothing, if bytes are not a state that can occur.");
  bind_stock_values(world);
  module.def("mass_values", &mass_values, py::arg("hull"),
             "Returns mass, inertia about the origin, x and y of the centre of mass of the hull, or of a wheel.");
  module.def("shape_vertices", &shape_vertices, py::arg("hull"),
             "Returns the vertices of Box2D's polygons of the hull, or of a wheel: lists of pairs of float32.");
}

}  // namespace apexline::bindings
