#include <pybind11/stl.h>

#include <optional>

#include "apexline/replay/prioritized_replay.hpp"
#include "arrays.hpp"
#include "bindings.hpp"

namespace apexline::bindings {
namespace {

constexpr std::size_t kMaxFrameBytes = std::size_t{1} << 40;

// A frame's last two axes are its height and width; all before them are planes that shift alike.
FrameGeometry geometry_of(const Shape& frame_shape, const py::dtype& dtype) {
  FrameGeometry geometry{1, 1, 1, static_cast<std::size_t>(dtype.itemsize())};
  for (std::size_t i = 0; i < frame_shape.size(); ++i) {
    if (frame_shape[i] < 1)
      throw py::value_error(text("frame_shape[", i, "] is ", frame_shape[i], "; it must be >= 1"));
    const auto extent = static_cast<std::size_t>(frame_shape[i]);
    if (extent > kMaxFrameBytes / geometry.bytes())
      throw py::value_error(text("frame_shape is ", shape_text(frame_shape.data(), frame_shape.size()),
                                 "; a frame must have at most ", kMaxFrameBytes, " bytes"));
    const std::size_t from_end = frame_shape.size() - i;
    (from_end == 1 ? geometry.width : from_end == 2 ? geometry.height : geometry.planes) *= extent;
  }
  return geometry;
}

std::size_t action_size_of(const Shape& action_shape) {
  std::size_t size = 1;
  for (std::size_t i = 0; i < action_shape.size(); ++i) {
    if (action_shape[i] < 1)
      throw py::value_error(text("action_shape[", i, "] is ", action_shape[i], "; it must be >= 1"));
    size *= static_cast<std::size_t>(action_shape[i]);
  }
  return size;
}

// The replay with the shapes and dtype under which Python knows its arrays.
class ArrayReplay {
 public:
  ArrayReplay(const ReplayConfig& config, Shape frame_shape, Shape action_shape, py::dtype frame_dtype)
      : replay_(config),
        frame_shape_(std::move(frame_shape)),
        action_shape_(std::move(action_shape)),
        frame_dtype_(std::move(frame_dtype)) {}

  PrioritizedReplay& core() { return replay_; }

  void add(const py::object& frames, const py::object& actions, const py::object& rewards,
           const py::object& terminated, const py::object& truncated, const py::object& final_frames,
           const py::object& mask) {
    const auto lanes = static_cast<py::ssize_t>(replay_.config().num_envs);
    const auto boolean = py::dtype::of<bool>();
    const auto frame_array = exact_array(frames, "frames", frame_dtype_, batched(lanes, frame_shape_));
    const auto action_array = real_array<float>(actions, "actions");
    require_shape(action_array, "actions", batched(lanes, action_shape_));
    const auto reward_array = real_array<float>(rewards, "rewards");
    require_shape(reward_array, "rewards", {lanes});
    const auto terminated_array = exact_array(terminated, "terminated", boolean, {lanes});
    const auto truncated_array = exact_array(truncated, "truncated", boolean, {lanes});
    py::array final_array;
    py::array mask_array;
    if (!final_frames.is_none())
      final_array = exact_array(final_frames, "final_frames", frame_dtype_, batched(lanes, frame_shape_));
    if (!mask.is_none()) mask_array = exact_array(mask, "mask", boolean, {lanes});

    const StepBatch batch{data<std::byte>(frame_array),
                          action_array.data(),
                          reward_array.data(),
                          data<bool>(terminated_array),
                          data<bool>(truncated_array),
                          final_frames.is_none() ? nullptr : data<std::byte>(final_array),
                          mask.is_none() ? nullptr : data<bool>(mask_array)};
    const py::gil_scoped_release released;
    replay_.add(batch);
  }

  void sample(double beta, const py::object& obs, const py::object& action, const py::object& reward,
              const py::object& discount, const py::object& next_obs, const py::object& weights,
              const py::object& indices) {
    if (!py::isinstance<py::array>(indices)) throw py::type_error("indices is not a NumPy array");
    const auto size = static_cast<py::ssize_t>(py::len(indices));
    if (size < 1) throw py::value_error(text("batch_size is ", size, "; it must be >= 1"));
    const auto single = py::dtype::of<float>();
    Shape stacked = batched(replay_.config().frame_stack, frame_shape_);
    auto obs_array = output_array(obs, "obs", frame_dtype_, batched(size, stacked));
    auto next_array = output_array(next_obs, "next_obs", frame_dtype_, batched(size, stacked));
    auto action_array = output_array(action, "action", single, batched(size, action_shape_));
    auto reward_array = output_array(reward, "reward", single, {size});
    auto discount_array = output_array(discount, "discount", single, {size});
    auto weight_array = output_array(weights, "weights", single, {size});
    auto index_out = output_array(indices, "indices", py::dtype::of<std::int64_t>(), {size});
    const BatchArrays out{size,
                          data<std::byte>(obs_array),
                          data<float>(action_array),
                          data<float>(reward_array),
                          data<float>(discount_array),
                          data<std::byte>(next_array),
                          data<float>(weight_array),
                          data<std::int64_t>(index_out)};
    const py::gil_scoped_release released;
    replay_.sample(beta, out);
  }

  std::int64_t update_priorities(const py::object& indices, const py::object& td_errors) {
    const auto handles = index_array(indices, "indices");
    const auto errors = real_array<double>(td_errors, "td_errors");
    require_shape(errors, "td_errors", Shape(handles.shape(), handles.shape() + handles.ndim()));
    const py::gil_scoped_release released;
    return replay_.update_priorities(view(handles), view(errors));
  }

 private:
  static Shape batched(py::ssize_t count, const Shape& shape) {
    Shape out{count};
    out.insert(out.end(), shape.begin(), shape.end());
    return out;
  }

  PrioritizedReplay replay_;
  Shape frame_shape_;
  Shape action_shape_;
  py::dtype frame_dtype_;
};

std::unique_ptr<ArrayReplay> make_replay(std::int64_t capacity, std::int64_t num_envs, const Shape& frame_shape,
                                         const Shape& action_shape, const py::dtype& frame_dtype, int frame_stack,
                                         int n_step, double gamma, double alpha, double beta, double epsilon,
                                         int shift, std::uint64_t seed, std::optional<int> num_threads) {
  const ReplayConfig config{capacity, num_envs, geometry_of(frame_shape, frame_dtype), action_size_of(action_shape),
                            frame_stack, n_step, gamma, alpha, beta, epsilon, shift, seed,
                            num_threads.value_or(available_processors())};
  return std::make_unique<ArrayReplay>(config, frame_shape, action_shape, frame_dtype);
}

}  // namespace

void bind_replay(py::module_& module) {
  module.def("available_processors", &available_processors, "Processors this process may run on.");
  py::class_<ArrayReplay>(module, "Replay", "Core of apexline.PrioritizedFrameReplay, which documents it.")
      .def(py::init(&make_replay), py::kw_only(), py::arg("capacity"), py::arg("num_envs"), py::arg("frame_shape"),
           py::arg("action_shape"), py::arg("frame_dtype"), py::arg("frame_stack"), py::arg("n_step"),
           py::arg("gamma"), py::arg("alpha"), py::arg("beta"), py::arg("epsilon"), py::arg("shift"),
           py::arg("seed"), py::arg("num_threads"))
      .def_property_readonly("capacity", [](ArrayReplay& self) { return self.core().config().capacity; })
      .def_property_readonly("num_threads", [](ArrayReplay& self) { return self.core().config().num_threads; })
      .def_property_readonly("num_eligible", [](ArrayReplay& self) { return self.core().num_eligible(); })
      .def_property_readonly("max_priority", [](ArrayReplay& self) { return self.core().max_priority(); })
      .def("add", &ArrayReplay::add, py::arg("frames"), py::arg("actions"), py::arg("rewards"),
           py::arg("terminated"), py::arg("truncated"), py::arg("final_frames"), py::arg("mask"))
      .def("sample", &ArrayReplay::sample, py::arg("beta"), py::arg("obs"), py::arg("action"), py::arg("reward"),
           py::arg("discount"), py::arg("next_obs"), py::arg("weights"), py::arg("indices"))
      .def("update_priorities", &ArrayReplay::update_priorities, py::arg("indices"), py::arg("td_errors"))
      .def("priorities",
           [](ArrayReplay& self) {
             const auto priorities = self.core().priorities();
             return py::array_t<double>(static_cast<py::ssize_t>(priorities.size()), priorities.data());
           })
      .def("clear", [](ArrayReplay& self) { self.core().clear(); });
}

}  // namespace apexline::bindings
