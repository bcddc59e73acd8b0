// A PrioritizedReplay with the shapes and dtypes of its NumPy arrays.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "constructed.hpp"
#include "replay/prioritized_replay.hpp"

namespace apexline::bindings {

// A value of each step besides its frame.
struct Field {
  std::string name;      // in state and `extras`
  std::string argument;  // its name in errors of `add`
  std::string out;       // its name in errors of `sample`
  Shape shape;
  py::dtype dtype;
};

// The arrays that a batch is written to, and references that keep them alive meanwhile.
struct BatchTarget {
  BatchArrays out;
  std::vector<py::array> arrays;
};

// New arrays for slots, and where they are written.
struct SlotsOut {
  SlotArrays out;
  py::tuple arrays;  // (frames, fields, rewards, in_episode, flags)
};

// The counters, priorities and random streams of a replay as Python values.
py::dict state_values(const ReplayState& state);

// The first field is the action.
class ArrayReplay : public NeverUnconstructed {
 public:
  ArrayReplay(ReplayConfig config, Shape frame_shape, py::dtype frame_dtype, std::vector<Field> fields);

  PrioritizedReplay& core() { return *replay_; }
  const std::shared_ptr<PrioritizedReplay>& shared() { return replay_; }

  void add(const py::object& frames, const py::sequence& fields, const py::object& rewards,
           const py::object& terminated, const py::object& truncated, const py::object& final_frames,
           const py::object& mask);
  void cut_episodes(const py::object& mask);
  void sample(double beta, int shift, const py::object& obs, const py::object& action, const py::object& reward,
              const py::object& discount, const py::object& next_obs, const py::object& weights,
              const py::object& indices, const py::dict& extras);
  // Checks the arrays of a batch that is to be written.
  BatchTarget arrays_of(const py::object& obs, const py::object& action, const py::object& reward,
                        const py::object& discount, const py::object& next_obs, const py::object& weights,
                        const py::object& indices, const py::dict& extras);
  std::int64_t update_priorities(const py::object& indices, const py::object& td_errors);
  // Slots begin .. end - 1 of an environment as (frames, fields, rewards, in_episode, flags).
  // Raises IndexError before anything is allocated if a position is not stored.
  py::tuple read_slots(std::int64_t env, std::int64_t begin, std::int64_t end);
  SlotsOut empty_slots(std::int64_t count) const;
  void write_slots(std::int64_t env, std::int64_t begin, const py::object& frames, const py::sequence& fields,
                   const py::object& rewards, const py::object& in_episode, const py::object& flags);

 private:
  std::shared_ptr<PrioritizedReplay> replay_;
  Shape frame_shape_;
  py::dtype frame_dtype_;
  std::vector<Field> fields_;
};

}  // namespace apexline::bindings
