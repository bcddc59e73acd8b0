#include <pybind11/stl.h>

#include <limits>
#include <new>
#include <optional>
#include <tuple>
#include <utility>

#ifndef _WIN32
#include <unistd.h>
#endif

#include "array_replay.hpp"
#include "bindings.hpp"
#include "gil.hpp"
#include "support/processors.hpp"

namespace apexline::bindings {
namespace {

constexpr std::size_t kMaxItemBytes = std::size_t{1} << 40;
constexpr const char* kUnsigned = "an integer from 0 to 2^64 - 1";

using FieldSpec = std::tuple<std::string, Shape, py::dtype>;

std::size_t bytes_of(const std::string& name, const Shape& shape, const py::dtype& dtype) {
  auto bytes = static_cast<std::size_t>(dtype.itemsize());
  for (const py::ssize_t extent : shape) {
    if (extent < 1 || static_cast<std::size_t>(extent) > kMaxItemBytes / bytes)
      throw py::value_error(text(name, " is ", shape_text(shape.data(), shape.size()),
                                 "; expected positive extents and at most 2^40 bytes"));
    bytes *= static_cast<std::size_t>(extent);
  }
  return bytes;
}

// The last two axes of a frame are its height and width; all axes before them are planes, which shift equally.
FrameGeometry geometry_of(const Shape& shape, const py::dtype& dtype) {
  static_cast<void>(bytes_of("frame_shape", shape, dtype));
  FrameGeometry geometry{1, 1, 1, static_cast<std::size_t>(dtype.itemsize())};
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::size_t from_end = shape.size() - i;
    (from_end == 1   ? geometry.width
     : from_end == 2 ? geometry.height
                     : geometry.planes) *= static_cast<std::size_t>(shape[i]);
  }
  return geometry;
}

// Bytes of main memory of the machine; the largest number if it is unknown.
std::size_t physical_memory() noexcept {
#ifndef _WIN32
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page_bytes = sysconf(_SC_PAGESIZE);
  if (pages > 0 && page_bytes > 0) return static_cast<std::size_t>(pages) * static_cast<std::size_t>(page_bytes);
#endif
  return std::numeric_limits<std::size_t>::max();
}

Number number_of(const py::dtype& dtype) {
  if (dtype.kind() != 'f') return Number::kInteger;
  return dtype.itemsize() == 2 ? Number::kFloat16 : dtype.itemsize() == 4 ? Number::kFloat32 : Number::kFloat64;
}

std::shared_ptr<ArrayReplay> make_replay(std::int64_t capacity, std::int64_t num_envs, const Shape& frame_shape,
                                         const py::dtype& frame_dtype, const std::vector<FieldSpec>& field_specs,
                                         int frame_stack, int n_step, double gamma, double alpha, double beta,
                                         double epsilon, int shift, std::uint64_t seed,
                                         std::optional<int> num_threads) {
  std::vector<Field> fields;
  std::vector<std::size_t> field_bytes;
  for (const auto& [name, shape, dtype] : field_specs) {
    const bool action = fields.empty();
    const std::string extra = text("extras['", name, "']");
    fields.push_back({name, action ? "actions" : extra, action ? "out.action" : "out." + extra, shape, dtype});
    field_bytes.push_back(bytes_of(action ? "action_shape" : "the shape of " + extra, shape, dtype));
  }
  ReplayConfig config{capacity,
                      num_envs,
                      geometry_of(frame_shape, frame_dtype),
                      field_bytes,
                      number_of(fields.at(0).dtype),
                      frame_stack,
                      n_step,
                      gamma,
                      alpha,
                      beta,
                      epsilon,
                      shift,
                      seed,
                      num_threads.value_or(available_processors())};
  const std::size_t step_bytes = config.geometry.bytes() + config.record_bytes();
  const auto refuse = [&] {
    refuse_memory(text("capacity is ", capacity, " steps of ", step_bytes, " bytes (frame_shape is ",
                       shape_text(frame_shape.data(), frame_shape.size()),
                       "); expected a size for which the system has memory"));
  };
  // An operating system that overcommits would refuse nothing until the memory is written.
  if (step_bytes > physical_memory()) refuse();
  try {
    return std::make_shared<ArrayReplay>(std::move(config), frame_shape, frame_dtype, std::move(fields));
  } catch (const std::bad_alloc&) {
    refuse();
    throw;
  }
}

template <class T>
T value_of(const py::dict& state, const char* name, const char* expected) {
  const py::object value = state[name];
  try {
    return value.cast<T>();
  } catch (const py::cast_error&) {
    throw py::value_error(text(name, " is ", py::repr(value).cast<std::string>(), "; expected ", expected));
  }
}

void restore(ArrayReplay& self, const py::dict& from) {
  ReplayState state{value_of<std::uint64_t>(from, "seed", kUnsigned),
                    value_of<std::uint64_t>(from, "draws", kUnsigned),
                    value_of<std::uint64_t>(from, "batches", kUnsigned),
                    value_of<std::int64_t>(from, "stale_updates", "an integer"),
                    value_of<double>(from, "max_priority", "a number"),
                    {},
                    {}};
  using Ring = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>;
  const auto rings = value_of<std::vector<Ring>>(from, "rings", "five integers per environment");
  for (const auto& [head, first, next_in_episode, episodes, evicted] : rings)
    state.rings.push_back({head, first, next_in_episode, episodes, evicted});
  const auto priorities = real_array<double>(from["priorities"], "priorities");
  require_shape(priorities, "priorities", {static_cast<py::ssize_t>(self.core().config().capacity)});
  state.priorities.assign(priorities.data(), priorities.data() + priorities.size());
  const GilReleased released;
  self.core().restore(state);
}

}  // namespace

void bind_replay(py::module_& module) {
  py::class_<ArrayReplay, std::shared_ptr<ArrayReplay>>(
      module, "Replay", "Core of apexline.PrioritizedFrameReplay, whose methods document it.")
      .def(py::init(&make_replay), py::kw_only(), integer("capacity"), integer("num_envs"), py::arg("frame_shape"),
           py::arg("frame_dtype"), py::arg("fields"), integer("frame_stack"), integer("n_step"), py::arg("gamma"),
           py::arg("alpha"), py::arg("beta"), py::arg("epsilon"), integer("shift"), py::arg("seed"),
           integer("num_threads"))
      .def_static(
          "bytes_for",
          [](std::int64_t capacity, std::int64_t num_envs, std::size_t frame_bytes, std::size_t field_bytes) {
            if (num_envs < 1) throw py::value_error(text("num_envs is ", num_envs, "; expected >= 1"));
            return PrioritizedReplay::bytes_for(capacity / num_envs * num_envs, frame_bytes, field_bytes);
          },
          integer("capacity"), integer("num_envs"), py::arg("frame_bytes"), py::arg("field_bytes"),
          "`nbytes` of a full replay: `frame_bytes` of one frame, `field_bytes` of an action and all extras of one "
          "step.\n\nRaises ValueError if capacity or num_envs is out of range.")
      .def_property_readonly("capacity", [](ArrayReplay& self) { return self.core().config().capacity; })
      .def_property_readonly("num_threads", [](ArrayReplay& self) { return self.core().config().num_threads; })
      .def_property_readonly("num_eligible", [](ArrayReplay& self) { return self.core().num_eligible(); })
      .def_property_readonly("max_priority", [](ArrayReplay& self) { return self.core().max_priority(); })
      .def_property_readonly("nbytes", [](ArrayReplay& self) { return self.core().bytes(); })
      .def_property_readonly("bytes_per_slot", [](ArrayReplay& self) { return self.core().bytes_per_slot(); })
      .def("add", &ArrayReplay::add, py::arg("frames"), py::arg("fields"), py::arg("rewards"), py::arg("terminated"),
           py::arg("truncated"), py::arg("final_frames"), py::arg("mask"))
      .def("cut_episodes", &ArrayReplay::cut_episodes, py::arg("mask"))
      .def("sample", &ArrayReplay::sample, py::arg("beta"), integer("shift"), py::arg("obs"), py::arg("action"),
           py::arg("reward"), py::arg("discount"), py::arg("next_obs"), py::arg("weights"), py::arg("indices"),
           py::arg("extras"))
      .def("update_priorities", &ArrayReplay::update_priorities, py::arg("indices"), py::arg("td_errors"))
      .def("priorities",
           [](ArrayReplay& self) {
             const auto priorities = self.core().priorities();
             return py::array_t<double>(static_cast<py::ssize_t>(priorities.size()), priorities.data());
           })
      .def("stats",
           [](ArrayReplay& self) {
             const ReplayStats stats = self.core().stats();
             return py::make_tuple(stats.size, stats.episodes, stats.evicted, stats.stale_updates, stats.max_priority,
                                   stats.effective_sample_size);
           })
      .def("state", [](ArrayReplay& self) { return state_values(self.core().state()); })
      .def("restore", &restore, py::arg("state"))
      .def("read_slots", &ArrayReplay::read_slots, integer("env"), integer("begin"), integer("end"))
      .def("write_slots", &ArrayReplay::write_slots, integer("env"), integer("begin"), py::arg("frames"),
           py::arg("fields"), py::arg("rewards"), py::arg("in_episode"), py::arg("flags"))
      .def("check",
           [](ArrayReplay& self) {
             const GilReleased released;
             self.core().check();
           })
      .def(
          "swap_contents",
          [](ArrayReplay& self, ArrayReplay& other) {
            const GilReleased released;
            return self.core().swap_contents(other.core());
          },
          py::arg("other"))
      .def("clear", [](ArrayReplay& self) { self.core().clear(); });
}

}  // namespace apexline::bindings
