#include "array_world.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>

#include "gil.hpp"
#include "racing/render/display_list.hpp"
#include "racing/render/exact/exact_frame.hpp"
#include "racing/render/exact/smoothscale_canvas.hpp"
#include "random_words.hpp"
#include "snapshot_arrays.hpp"

namespace apexline::bindings {
namespace {

using racing::Report;

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

std::span<const std::uint8_t> span_of(const py::bytes& bytes) {
  const std::string_view view = bytes;
  return {reinterpret_cast<const std::uint8_t*>(view.data()), view.size()};
}

py::bytes bytes_of(const std::vector<std::uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<Report> reports_in(py::array& reports) {
  return {static_cast<Report*>(reports.mutable_data()), static_cast<std::size_t>(reports.size())};
}

bool has_ended(const Report& report) noexcept { return report.terminated || report.truncated; }

}  // namespace

ArrayWorld::ArrayWorld(const racing::WorldOptions& options, const ActionFormat& actions, const racing::Glyphs& glyphs,
                       const std::vector<racing::Pcg64::State>& random)
    : world_(options, glyphs, random),
      action_format_(actions),
      glyphs_(glyphs),
      report_dtype_(report_dtype()),
      env_ids_(random.size()),
      car_dtype_(car_dtype()),
      choices_(random.size()),
      actions_(random.size()),
      final_frames_(options.autoreset == racing::Autoreset::kSameStep ? random.size() * world_.observation_bytes() : 0),
      final_reports_(random.size()) {}

void ArrayWorld::set_rules(const racing::ShapingOptions& rules) {
  const Busy busy(is_busy_);
  world_.set_rules(rules);
}

py::array_t<std::int64_t> ArrayWorld::checked_ids(const py::object& env_ids) {
  const Busy busy(is_busy_);
  const std::vector<std::uint32_t> envs = env_ids_.read(env_ids);
  py::array_t<std::int64_t> ids(static_cast<py::ssize_t>(envs.size()));
  std::ranges::copy(envs, ids.mutable_data());
  return ids;
}

py::tuple ArrayWorld::reset(const py::object& resets, const py::object& recolours, const py::object& reseeds,
                            const py::object& states, const py::object& env_ids, const py::object& out) {
  const Busy busy(is_busy_);
  const std::vector<std::uint32_t> envs = env_ids_.read(env_ids);
  const std::size_t rows = num_rows(envs);
  const auto count = static_cast<py::ssize_t>(rows);
  const auto boolean = py::dtype::of<bool>();
  const py::array chosen = exact_array(resets, "resets", boolean, {count});
  const py::array recoloured = exact_array(recolours, "recolours", boolean, {count});
  const py::array reseeded = exact_array(reseeds, "reseeds", boolean, {count});
  const auto random = random_states(states, "states", std::span(data<bool>(reseeded), rows));
  py::array frames = frames_for(out, rows);
  for (std::size_t i = 0; i < rows; ++i) {
    choices_[i] = {data<bool>(chosen)[i], data<bool>(recoloured)[i], std::nullopt};
    if (data<bool>(reseeded)[i]) choices_[i].random = random[i];
  }
  py::array reports = new_reports(rows);
  auto* pixels = data<std::uint8_t>(frames);
  const auto written = reports_in(reports);
  {
    const GilReleased released;
    world_.reset(std::span(choices_).first(rows), pixels, written, envs);
  }
  return py::make_tuple(frames, reports);
}

py::tuple ArrayWorld::step(const py::object& actions, const py::object& env_ids, const py::object& out) {
  const Busy busy(is_busy_);
  const std::vector<std::uint32_t> envs = env_ids_.read(env_ids);
  const std::size_t rows = num_rows(envs);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t env = envs.empty() ? row : envs[row];
    if (world_.needs_reset(env)) throw ResetNeededError(text(name_of(env), " needs a reset before a step"));
  }
  py::array frames = frames_for(out, rows);
  const std::span<racing::Action> row_actions = std::span(actions_).first(rows);
  read_actions(
      actions, action_format_, [&](std::size_t row) { return world_.will_reset(envs.empty() ? row : envs[row]); },
      row_actions);
  py::array reports = new_reports(rows);
  auto* pixels = data<std::uint8_t>(frames);
  const auto written = reports_in(reports);
  const std::span<Report> final_reports = std::span(final_reports_).first(rows);
  std::ranges::fill(final_reports, Report{});
  {
    const GilReleased released;
    world_.step(row_actions, pixels, written, final_frames_.data(), final_reports, envs);
  }
  const bool any_final =
      world_.options().autoreset == racing::Autoreset::kSameStep && std::ranges::any_of(written, has_ended);
  if (!any_final) return py::make_tuple(frames, reports, py::none(), py::none());
  py::array_t<std::uint8_t> last(frames_shape(rows));
  const auto frame_bytes = static_cast<std::ptrdiff_t>(world_.observation_bytes());
  for (std::size_t row = 0; row < rows; ++row) {
    const std::ptrdiff_t place = static_cast<std::ptrdiff_t>(row) * frame_bytes;
    if (has_ended(written[row])) std::copy_n(final_frames_.begin() + place, frame_bytes, last.mutable_data() + place);
  }
  py::array last_reports(report_dtype_, Shape{static_cast<py::ssize_t>(rows)});
  std::ranges::copy(final_reports, reports_in(last_reports).begin());
  return py::make_tuple(frames, reports, last, last_reports);
}

py::array_t<std::uint8_t> ArrayWorld::exact_frame(py::ssize_t env, int width, int height, bool with_skid_marks) {
  const Busy busy(is_busy_);
  const std::size_t index = checked(env);
  require_drawable(index);
  py::array_t<std::uint8_t> image(Shape{height, width, 3});
  std::uint8_t* pixels = image.mutable_data();
  const GilReleased released;
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

py::array ArrayWorld::observe(const py::object& env_ids, const py::object& out) {
  const Busy busy(is_busy_);
  const std::vector<std::uint32_t> envs = env_ids_.read(env_ids);
  const std::size_t rows = num_rows(envs);
  for (std::size_t row = 0; row < rows; ++row) require_drawable(envs.empty() ? row : envs[row]);
  py::array frames = frames_for(out, rows);
  world_.draw(data<std::uint8_t>(frames), envs);
  return frames;
}

std::size_t ArrayWorld::checked(py::ssize_t env) const {
  if (env < 0 || env >= num_envs()) throw py::index_error(text("env is ", env, "; expected 0 to ", num_envs() - 1));
  return static_cast<std::size_t>(env);
}

void ArrayWorld::require_drawable(std::size_t env) const {
  if (world_.episode(env).num_tiles() == 0)
    throw ResetNeededError(text(name_of(env), " needs a reset before it is drawn"));
}

std::string ArrayWorld::name_of(std::size_t env) const {
  return action_format_.is_single ? "the environment" : text("environment ", env);
}

Shape ArrayWorld::frames_shape(std::size_t rows) const {
  Shape shape = world_.options().observation_shape().extents();
  shape.insert(shape.begin(), static_cast<py::ssize_t>(rows));
  return shape;
}

py::array ArrayWorld::frames_for(const py::object& out, std::size_t rows) const {
  if (out.is_none()) return py::array_t<std::uint8_t>(frames_shape(rows));
  return output_array(out, "out", py::dtype::of<std::uint8_t>(), frames_shape(rows));
}

py::array ArrayWorld::new_reports(std::size_t rows) const {
  py::array reports(report_dtype_, Shape{static_cast<py::ssize_t>(rows)});
  std::ranges::fill(reports_in(reports), Report{});
  return reports;
}

py::dict ArrayWorld::track(py::ssize_t env) const { return read(track_arrays, env); }
py::object ArrayWorld::car(py::ssize_t env) const {
  const Busy busy(is_busy_);
  return car_rows(world_, car_dtype_, checked(env), 1)[py::int_(0)];
}
py::array ArrayWorld::cars() const {
  const Busy busy(is_busy_);
  return car_rows(world_, car_dtype_, 0, world_.num_envs());
}
py::list ArrayWorld::skid_marks(py::ssize_t env) const { return read(skid_mark_arrays, env); }
std::int32_t ArrayWorld::failed_tracks(py::ssize_t env) const {
  const Busy busy(is_busy_);
  return world_.episode(checked(env)).failed_tracks();
}
py::array ArrayWorld::random_state(py::ssize_t env) const {
  const Busy busy(is_busy_);
  return random_words(world_.episode(checked(env)).random());
}

py::bytes ArrayWorld::save(py::ssize_t env, double total, std::int64_t steps, double seconds) const {
  const Busy busy(is_busy_);
  const racing::EpisodeSoFar so_far{.total = total, .steps = steps, .seconds = seconds};
  if (!so_far.is_possible())
    throw py::value_error(text("total, steps and seconds are ", total, ", ", steps, " and ", seconds,
                               "; expected finite numbers and steps of at least 0"));
  return bytes_of(world_.save(checked(env), so_far));
}

py::list ArrayWorld::load(const std::vector<py::ssize_t>& envs, const std::vector<py::bytes>& states) {
  const Busy busy(is_busy_);
  if (envs.size() != states.size())
    throw py::value_error(text("len(states) is ", states.size(), "; expected ", envs.size()));
  std::vector<racing::World::SavedGame> saved;
  saved.reserve(envs.size());
  for (std::size_t i = 0; i < envs.size(); ++i) {
    const std::size_t env = checked(envs[i]);
    try {
      saved.push_back(world_.read(env, span_of(states[i])));
    } catch (const std::invalid_argument& error) {
      throw py::value_error(text("cannot restore ", name_of(env), ": ", error.what()));
    }
  }
  py::list episodes(saved.size());
  for (std::size_t i = 0; i < saved.size(); ++i) {
    const racing::EpisodeSoFar& episode = saved[i].so_far();
    episodes[i] = py::make_tuple(episode.total, episode.steps, episode.seconds);
  }
  for (racing::World::SavedGame& game : saved) world_.restore(std::move(game));
  return episodes;
}

}  // namespace apexline::bindings
