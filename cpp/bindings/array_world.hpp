// A racing::World with NumPy arrays. One caller at a time: a call during another one raises RuntimeError.
#pragma once

#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "array_actions.hpp"
#include "arrays.hpp"
#include "constructed.hpp"
#include "env_ids.hpp"
#include "racing/render/glyphs.hpp"
#include "racing/world.hpp"

namespace apexline::bindings {

// A game was never reset, or its episode has ended and autoreset is kDisabled.
struct ResetNeededError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Marks a world as in use during a call: another one may come from another thread while the GIL is released, or from
// Python code that converts an argument.
class Busy {
 public:
  explicit Busy(bool& is_busy) : is_busy_(is_busy) {
    if (is_busy) throw std::runtime_error("another call is using this environment; it takes one caller at a time");
    is_busy = true;
  }
  ~Busy() { is_busy_ = false; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  bool& is_busy_;
};

// Reports are one structured array. Methods raise IndexError if there is no game `env`. `step` and `reset` release the
// GIL. `env_ids` selects the games of a call, whose rows follow its order (see EnvIds); `out`, if not None, is the array
// (rows, *observation shape) uint8 to which frames are written, which is then returned.
class ArrayWorld : public NeverUnconstructed {
 public:
  ArrayWorld(const racing::WorldOptions& options, const ActionFormat& actions, const racing::Glyphs& glyphs,
             const std::vector<racing::Pcg64::State>& random);

  void set_rules(const racing::ShapingOptions& rules);
  // `env_ids` as a new array (n,) int64, after checks.
  py::array_t<std::int64_t> checked_ids(const py::object& env_ids);
  // (frames, reports)
  py::tuple reset(const py::object& resets, const py::object& recolours, const py::object& reseeds,
                  const py::object& states, const py::object& env_ids, const py::object& out);
  // (frames, reports, last frames or None, last reports or None)
  py::tuple step(const py::object& actions, const py::object& env_ids, const py::object& out);
  // The current frames, without a step.
  py::array observe(const py::object& env_ids, const py::object& out);
  py::array_t<std::uint8_t> exact_frame(py::ssize_t env, int width, int height, bool with_skid_marks);

  // Returns read(world, env, arguments...).
  template <class Read, class... Arguments>
  [[nodiscard]] auto read(const Read& read, py::ssize_t env, const Arguments&... arguments) const {
    const Busy busy(is_busy_);
    const std::size_t index = checked(env);
    return read(world_, index, arguments...);
  }

  [[nodiscard]] py::dict track(py::ssize_t env) const;
  [[nodiscard]] py::object car(py::ssize_t env) const;
  [[nodiscard]] py::array cars() const;
  [[nodiscard]] py::list skid_marks(py::ssize_t env) const;
  [[nodiscard]] std::int32_t failed_tracks(py::ssize_t env) const;
  [[nodiscard]] py::array random_state(py::ssize_t env) const;

  [[nodiscard]] py::bytes save(py::ssize_t env, double total, std::int64_t steps, double seconds) const;
  // Restores the states of games, all or none, and returns (total, steps, seconds) of each. Raises ValueError, naming the
  // game, if bytes are not a state of it.
  py::list load(const std::vector<py::ssize_t>& envs, const std::vector<py::bytes>& states);

 private:
  using Selection = racing::World::Selection;

  [[nodiscard]] py::ssize_t num_envs() const noexcept { return static_cast<py::ssize_t>(world_.num_envs()); }
  [[nodiscard]] std::size_t checked(py::ssize_t env) const;
  void require_drawable(std::size_t env) const;
  // "environment 3", or "the environment" if it is a single one.
  [[nodiscard]] std::string name_of(std::size_t env) const;
  [[nodiscard]] std::size_t num_rows(Selection envs) const noexcept {
    return envs.empty() ? world_.num_envs() : envs.size();
  }
  [[nodiscard]] Shape frames_shape(std::size_t rows) const;
  // `out` after checks, or a new array.
  [[nodiscard]] py::array frames_for(const py::object& out, std::size_t rows) const;
  [[nodiscard]] py::array new_reports(std::size_t rows) const;

  racing::World world_;
  ActionFormat action_format_;
  racing::Glyphs glyphs_;
  py::dtype report_dtype_;
  EnvIds env_ids_;
  py::dtype car_dtype_;
  std::vector<racing::World::ResetChoice> choices_;
  std::vector<racing::Action> actions_;
  std::vector<std::uint8_t> final_frames_;  // with same-step autoreset, as final_reports_: of the last step
  std::vector<racing::Report> final_reports_;
  mutable bool is_busy_ = false;  // read and written only with the GIL held
};

}  // namespace apexline::bindings
