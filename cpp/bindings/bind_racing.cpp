// apexline._core.racing: racing::World with NumPy arrays. Actions are checked before anything changes; reports are one
// structured array.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "arrays.hpp"
#include "bindings.hpp"
#include "glyph_arrays.hpp"
#include "racing/render/display_list.hpp"
#include "racing/render/exact/exact_frame.hpp"
#include "racing/render/exact/smoothscale_canvas.hpp"
#include "racing/world.hpp"
#include "random_words.hpp"

namespace apexline::bindings {
namespace {

using racing::Action;
using racing::Report;
using racing::World;

enum class ActionKind : std::uint8_t { kContinuous, kPedal, kDiscrete };

py::dtype report_dtype() {
  static_assert(sizeof(bool) == 1 && sizeof(racing::EndedBy) == 1);
  const auto names = py::make_tuple("reward", "terminated", "truncated", "was_reset", "ended_by", "lap_finished",
                                    "repeats", "score", "frames", "tiles");
  const auto formats = py::make_tuple("f8", "?", "?", "?", "u1", "i1", "i4", "f8", "i4", "f8");
  const auto offsets = py::make_tuple(
      offsetof(Report, reward), offsetof(Report, terminated), offsetof(Report, truncated), offsetof(Report, was_reset),
      offsetof(Report, ended_by), offsetof(Report, lap_finished), offsetof(Report, repeats), offsetof(Report, score),
      offsetof(Report, frames), offsetof(Report, tiles));
  return py::dtype(py::list(names), py::list(formats), py::list(offsets), sizeof(Report));
}

template <class T>
Action action_of(ActionKind kind, const T* values) noexcept {
  const auto at = [values](int i) { return static_cast<double>(values[i]); };
  if (kind == ActionKind::kPedal) return {at(0), std::max(at(1), 0.0), std::max(-at(1), 0.0)};
  return {at(0), at(1), at(2)};
}

// CarRacing.step's five discrete actions: nothing, right, left, gas, brake.
Action discrete_action(std::int64_t action) noexcept {
  constexpr double kSteer = 0.6;
  constexpr double kGas = 0.2;
  constexpr double kBrake = 0.8;
  return {action == 1 ? kSteer : (action == 2 ? -kSteer : 0.0), action == 3 ? kGas : 0.0, action == 4 ? kBrake : 0.0};
}

// A game was never reset, or its episode has ended.
struct ResetNeededError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Set while the GIL is released; read and written only with the GIL held.
class Busy {
 public:
  explicit Busy(bool& is_busy) noexcept : is_busy_(is_busy) { is_busy_ = true; }
  ~Busy() { is_busy_ = false; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  bool& is_busy_;
};

class ArrayWorld {
 public:
  ArrayWorld(const racing::WorldOptions& options, ActionKind actions, const racing::Glyphs& glyphs,
             const std::vector<racing::Pcg64::State>& random)
      : world_(options, glyphs, random),
        kind_(actions),
        glyphs_(glyphs),
        report_dtype_(report_dtype()),
        choices_(random.size()),
        actions_(random.size()),
        final_frames_(options.autoreset == racing::Autoreset::kSameStep ? random.size() * options.format.bytes() : 0),
        final_reports_(random.size()) {}

  void set_rules(const racing::ShapingOptions& rules) {
    require_idle();
    world_.set_rules(rules);
  }

  // (frames, reports)
  py::tuple reset(const py::object& resets, const py::object& recolours, const py::object& reseeds,
                  const py::object& states) {
    require_idle();
    const auto count = num_envs();
    const auto boolean = py::dtype::of<bool>();
    const py::array chosen = exact_array(resets, "resets", boolean, {count});
    const py::array recoloured = exact_array(recolours, "recolours", boolean, {count});
    const py::array reseeded = exact_array(reseeds, "reseeds", boolean, {count});
    const auto random = random_states(states, "states", count);
    for (std::size_t i = 0; i < choices_.size(); ++i) {
      choices_[i] = {data<bool>(chosen)[i], data<bool>(recoloured)[i], std::nullopt};
      if (data<bool>(reseeded)[i]) choices_[i].random = random[i];
    }
    py::array_t<std::uint8_t> frames = new_frames();
    py::array reports = new_reports();
    std::uint8_t* pixels = frames.mutable_data();
    const auto written = reports_in(reports);
    {
      const Busy busy(is_busy_);
      const py::gil_scoped_release released;
      world_.reset(choices_, pixels, written);
    }
    return py::make_tuple(frames, reports);
  }

  // (frames, reports, final frames or None, final reports or None)
  py::tuple step(const py::object& actions) {
    require_idle();
    for (std::size_t env = 0; env < actions_.size(); ++env)
      if (world_.needs_reset(env)) throw ResetNeededError(text("environment ", env, " needs a reset before a step"));
    take_actions(actions);
    py::array_t<std::uint8_t> frames = new_frames();
    py::array reports = new_reports();
    std::uint8_t* pixels = frames.mutable_data();
    const auto written = reports_in(reports);
    std::ranges::fill(final_reports_, Report{});
    {
      const Busy busy(is_busy_);
      const py::gil_scoped_release released;
      world_.step(actions_, pixels, written, final_frames_.data(), final_reports_);
    }
    const bool any_final = world_.options().autoreset == racing::Autoreset::kSameStep &&
                           std::any_of(written.begin(), written.end(),
                                       [](const Report& report) { return report.terminated || report.truncated; });
    if (!any_final) return py::make_tuple(frames, reports, py::none(), py::none());
    py::array_t<std::uint8_t> last = new_frames();
    std::copy(final_frames_.begin(), final_frames_.end(), last.mutable_data());
    py::array last_reports(report_dtype_, Shape{num_envs()});
    std::copy(final_reports_.begin(), final_reports_.end(), reports_in(last_reports).begin());
    return py::make_tuple(frames, reports, last, last_reports);
  }

  py::array_t<std::uint8_t> exact_frame(py::ssize_t env, int width, int height, bool with_skid_marks) {
    const std::size_t index = checked(env);
    require_drawable(index);
    py::array_t<std::uint8_t> image(Shape{height, width, 3});
    std::uint8_t* pixels = image.mutable_data();
    const Busy busy(is_busy_);
    const py::gil_scoped_release released;
    racing::Canvas canvas(racing::kSurfaceWidth, racing::kSurfaceHeight);
    const auto& marks = world_.episode(index).skid_marks().marks();
    // CarRacing.render shows the score after the frame's 0.1 was subtracted, the observation before.
    racing::Scene scene = world_.scene(index);
    scene.score = world_.episode(index).score();
    racing::draw_exact_frame(canvas, scene, with_skid_marks ? std::span(marks) : std::span<const racing::SkidMark>(),
                             glyphs_);
    if (width == canvas.width() && height == canvas.height()) {
      canvas.copy_to(pixels);
    } else {
      racing::SmoothScaler scaler(canvas.width(), canvas.height(), width, height);
      scaler.scale(canvas, pixels);
    }
    return image;
  }

  py::dict track(py::ssize_t env) const {
    const racing::Episode& episode = world_.episode(checked(env));
    const racing::Track& track = episode.track();
    const racing::Scene scene = world_.scene(checked(env));
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
  py::dict car(py::ssize_t env) const {
    const racing::CarBlock& block = world_.block_of(checked(env));
    const std::size_t lane = checked(env) % racing::kLanes;
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
    const racing::Scene scene = world_.scene(checked(env));
    using namespace py::literals;
    return py::dict("x"_a = column(block.x), "y"_a = column(block.y), "angle"_a = column(block.angle),
                    "sine"_a = column(block.sine), "cosine"_a = column(block.cosine),
                    "velocity_x"_a = column(block.velocity_x), "velocity_y"_a = column(block.velocity_y),
                    "spin"_a = column(block.spin), "omega"_a = column(block.omega), "phase"_a = column(block.phase),
                    "on_road"_a = on_road, "steer"_a = block.steer[lane], "gas"_a = block.gas[lane],
                    "brake"_a = block.brake[lane], "seconds"_a = scene.seconds, "score_on_screen"_a = scene.score);
  }

  py::list skid_marks(py::ssize_t env) const {
    py::list marks;
    for (const racing::SkidMark& mark : world_.episode(checked(env)).skid_marks().marks()) {
      py::array_t<double> points(Shape{static_cast<py::ssize_t>(mark.points.size()), 2});
      std::memcpy(points.mutable_data(), mark.points.data(), mark.points.size() * sizeof(racing::Point));
      marks.append(py::make_tuple(mark.on_grass, points));
    }
    return marks;
  }

  std::int32_t failed_tracks(py::ssize_t env) const { return world_.episode(checked(env)).failed_tracks(); }
  py::array random_state(py::ssize_t env) const { return random_words(world_.episode(checked(env)).random()); }

  py::bytes save(py::ssize_t env, const py::bytes& note) const {
    return bytes_of(world_.save(checked(env), span_of(note)));
  }
  py::bytes load(py::ssize_t env, const py::bytes& state) {
    return bytes_of(world_.load(checked(env), span_of(state)));
  }

  // The current frames, without a step.
  py::array_t<std::uint8_t> observe() {
    require_idle();
    for (std::size_t env = 0; env < world_.num_envs(); ++env) require_drawable(env);
    py::array_t<std::uint8_t> frames = new_frames();
    world_.draw(frames.mutable_data());
    return frames;
  }

 private:
  static std::span<const std::uint8_t> span_of(const py::bytes& bytes) {
    const std::string_view view = bytes;
    return {reinterpret_cast<const std::uint8_t*>(view.data()), view.size()};
  }

  static py::bytes bytes_of(const std::vector<std::uint8_t>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  [[nodiscard]] py::ssize_t num_envs() const noexcept { return static_cast<py::ssize_t>(world_.num_envs()); }

  void require_idle() const {
    if (is_busy_) throw std::runtime_error("another thread is using this environment; it takes one caller at a time");
  }

  [[nodiscard]] std::size_t checked(py::ssize_t env) const {
    require_idle();
    if (env < 0 || env >= num_envs()) throw py::index_error(text("env is ", env, "; expected 0 to ", num_envs() - 1));
    return static_cast<std::size_t>(env);
  }

  void require_drawable(std::size_t env) const {
    if (world_.episode(env).num_tiles() == 0)
      throw ResetNeededError(text("environment ", env, " needs a reset before it is drawn"));
  }

  py::array_t<std::uint8_t> new_frames() const {
    const racing::FrameFormat& format = world_.options().format;
    Shape shape{format.frame_size, format.frame_size};
    if (!format.gray) shape.insert(format.channels_first ? shape.begin() : shape.end(), 3);
    shape.insert(shape.begin(), num_envs());
    return py::array_t<std::uint8_t>(shape);
  }

  py::array new_reports() const {
    py::array reports(report_dtype_, Shape{num_envs()});
    std::ranges::fill(reports_in(reports), Report{});
    return reports;
  }

  std::span<Report> reports_in(py::array& reports) const {
    return {static_cast<Report*>(reports.mutable_data()), world_.num_envs()};
  }

  void take_actions(const py::object& actions) {
    if (kind_ == ActionKind::kDiscrete) {
      const auto array = index_array(actions, "actions");
      require_shape(array, "actions", {num_envs()});
      for (std::size_t env = 0; env < actions_.size(); ++env) {
        const std::int64_t action = array.data()[env];
        if (action < 0 || action > 4)
          throw py::value_error(text("actions[", env, "] is ", action, "; expected an integer from 0 to 4"));
      }
      for (std::size_t env = 0; env < actions_.size(); ++env) actions_[env] = discrete_action(array.data()[env]);
      return;
    }
    const py::array array = as_array(actions);
    if (array.dtype().equal(py::dtype::of<float>()))
      take_axes<float>(array);
    else if (array.dtype().equal(py::dtype::of<double>()))
      take_axes<double>(array);
    else
      throw py::type_error(text("actions has dtype ", dtype_name(array.dtype()), "; expected float32 or float64"));
  }

  template <class T>
  void take_axes(const py::array& array) {
    const py::ssize_t axes = kind_ == ActionKind::kPedal ? 2 : 3;
    require_shape(array, "actions", {num_envs(), axes});
    const T* values = data<T>(array);
    for (py::ssize_t i = 0; i < array.size(); ++i)
      if (!std::isfinite(values[i]))
        throw py::value_error(text("actions[", i / axes, ", ", i % axes, "] is ", static_cast<double>(values[i]),
                                   "; expected a finite number"));
    for (std::size_t env = 0; env < actions_.size(); ++env)
      actions_[env] = action_of(kind_, values + static_cast<py::ssize_t>(env) * axes);
  }

  World world_;
  ActionKind kind_;
  racing::Glyphs glyphs_;
  py::dtype report_dtype_;
  std::vector<World::ResetChoice> choices_;
  std::vector<Action> actions_;
  std::vector<std::uint8_t> final_frames_;  // with same-step autoreset, as final_reports_: of the last step
  std::vector<Report> final_reports_;
  bool is_busy_ = false;
};

template <class T>
T field(const py::object& options, const char* name) {
  return options.attr(name).cast<T>();
}

// A ShapingRules or None.
racing::ShapingOptions shaping_of(const py::object& rules) {
  if (rules.is_none()) return {};
  return {.stall_steps = field<std::optional<std::int32_t>>(rules, "stall_steps"),
          .stall_penalty = field<double>(rules, "stall_penalty"),
          .idle_penalty = field<double>(rules, "idle_penalty"),
          .lap_bonus = field<std::optional<double>>(rules, "lap_bonus"),
          .missed_tile_penalty = field<double>(rules, "missed_tile_penalty"),
          .missed_tile_margin = field<std::int32_t>(rules, "missed_tile_margin")};
}

// A GameOptions, but for its kind of action.
racing::WorldOptions world_options_of(const py::object& options) {
  const bool crop_hud = field<bool>(options, "crop_hud");
  racing::WorldOptions out;
  out.game.max_episode_frames = field<std::optional<std::int32_t>>(options, "max_episode_frames");
  out.game.domain_randomize = field<bool>(options, "domain_randomize");
  out.game.ends_at_start_line = field<bool>(options, "ends_at_start_line");
  out.game.lap_complete_percent = field<double>(options, "lap_complete_percent");
  out.action_repeat = field<std::int32_t>(options, "action_repeat");
  out.skip_zoom = field<std::int32_t>(options, "skip_zoom");
  out.format.crop_hud = crop_hud;
  out.format.gray = field<bool>(options, "gray");
  out.format.frame_size = field<std::optional<int>>(options, "frame_size").value_or(out.format.visible_side());
  out.format.channels_first = field<bool>(options, "channels_first");
  out.format.road_contrast = field<bool>(options, "road_contrast");
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
  throw py::value_error(text("autoreset is ", name, "; expected next_step, same_step or disabled"));
}

std::unique_ptr<ArrayWorld> make_world(const py::object& options, const py::object& states,
                                       const std::string& autoreset, const py::object& rules, bool keeps_skid_marks,
                                       const py::tuple& glyphs, int num_threads) {
  const auto random = random_states(states, "states", std::nullopt);
  racing::WorldOptions world = world_options_of(options);
  world.num_envs = static_cast<std::int32_t>(random.size());
  world.rules = shaping_of(rules);
  world.autoreset = autoreset_of(autoreset);
  world.game.keeps_skid_marks = keeps_skid_marks;
  world.num_threads = num_threads;
  return std::make_unique<ArrayWorld>(world, action_kind_of(options), glyphs_of(glyphs), random);
}

}  // namespace

void bind_racing(py::module_& module) {
  py::register_exception<ResetNeededError>(module, "ResetNeededError", PyExc_RuntimeError);
  py::class_<ArrayWorld>(module, "World", R"(Games of CarRacing stepped together.

Checks actions, shapes and dtypes; apexline.racing has checked everything else that it passes.

Args:
    options: a GameOptions.
    states: (num_envs, 6) uint64, the random state of each game: see apexline.racing.native.rng.
    autoreset: "next_step", "same_step" or "disabled".
    rules: a ShapingRules or None.
    keeps_skid_marks: whether skid marks are recorded.
    glyphs: the arrays of a GlyphTable.
    num_threads: threads, the caller's included.)")
      .def(py::init(&make_world), py::arg("options"), py::kw_only(), py::arg("states"), py::arg("autoreset"),
           py::arg("rules"), py::arg("keeps_skid_marks"), py::arg("glyphs"), py::arg("num_threads"))
      .def(
          "set_rules", [](ArrayWorld& self, const py::object& rules) { self.set_rules(shaping_of(rules)); },
          py::arg("rules"), "Replaces the shaping rules from the next step on: a ShapingRules or None.")
      .def("reset", &ArrayWorld::reset, py::arg("resets"), py::arg("recolours"), py::arg("reseeds"), py::arg("states"),
           "Starts episodes in the games selected by `resets`: frames and reports, whose other rows are undefined.")
      .def(
          "step", &ArrayWorld::step, py::arg("actions"),
          "Steps every game: frames, reports, and with same-step autoreset, if an episode ended, last frames and last\n"
          "reports of the episodes that ended; else None.")
      .def("observe", &ArrayWorld::observe, "Returns the current frames.")
      .def("exact_frame", &ArrayWorld::exact_frame, py::arg("env"), py::arg("width"), py::arg("height"),
           py::arg("with_skid_marks"), "Returns the image of a game as pygame draws it, (height, width, 3) uint8.")
      .def("track", &ArrayWorld::track, py::arg("env"), "Returns the fields of a TrackSnapshot.")
      .def("car", &ArrayWorld::car, py::arg("env"), "Returns the fields of a CarSnapshot.")
      .def("skid_marks", &ArrayWorld::skid_marks, py::arg("env"),
           "Returns pairs of whether the mark is on grass and its points (n, 2).")
      .def("failed_tracks", &ArrayWorld::failed_tracks, py::arg("env"),
           "Returns the number of failed attempts before the current track.")
      .def("random_state", &ArrayWorld::random_state, py::arg("env"),
           "Returns the random state of a game, (6,) uint64.")
      .def("save", &ArrayWorld::save, py::arg("env"), py::arg("note") = py::bytes(),
           "Returns the state of a game with a note, under one checksum.")
      .def("load", &ArrayWorld::load, py::arg("env"), py::arg("state"),
           "Restores the state of a game and returns its note. Raises ValueError, and changes nothing, if the bytes\n"
           "are not a state.");
}

}  // namespace apexline::bindings
