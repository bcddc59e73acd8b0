#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include "array_replay.hpp"
#include "bindings.hpp"
#include "constructed.hpp"
#include "gil.hpp"

namespace apexline::bindings {
namespace {

// A snapshot and the replay that it belongs to. Calls run one at a time.
class ArraySnapshot : public NeverUnconstructed {
 public:
  explicit ArraySnapshot(const std::shared_ptr<ArrayReplay>& replay) : replay_(replay) {
    const GilReleased released;
    snapshot_ = std::make_unique<PrioritizedReplay::Snapshot>(replay_->core().snapshot());
  }

  ~ArraySnapshot() { close(); }
  ArraySnapshot(const ArraySnapshot&) = delete;
  ArraySnapshot& operator=(const ArraySnapshot&) = delete;

  py::dict state() {
    const auto lock = one_at_a_time();
    return state_values(opened().state());
  }

  std::uint64_t contents() {
    const auto lock = one_at_a_time();
    return opened().contents();
  }

  py::tuple bounds() {
    const auto lock = one_at_a_time();
    const auto array = [](const std::vector<std::int64_t>& positions) {
      return py::array_t<std::int64_t>(static_cast<py::ssize_t>(positions.size()), positions.data());
    };
    return py::make_tuple(array(opened().first()), array(opened().last_two()), array(opened().end()));
  }

  py::tuple read(const py::object& begin, const py::object& end) {
    const auto begins = positions(begin, "begin");
    const auto ends = positions(end, "end");
    const auto lock = one_at_a_time();
    const SlotsOut slots = replay_->empty_slots(opened().count(begins, ends));
    {
      const GilReleased released;
      opened().read(begins, ends, slots.out);
    }
    return slots.arrays;
  }

  void release(const py::object& begin) {
    const auto begins = positions(begin, "begin");
    const auto lock = one_at_a_time();
    opened().release(begins);
  }

  bool has(const py::object& begin) {
    const auto begins = positions(begin, "begin");
    const auto lock = one_at_a_time();
    return opened().has(begins);
  }

  // In a forked child another thread of the parent may hold the locks without end, so there the snapshot is leaked.
  void close() {
    if (owner_ != process_id()) return static_cast<void>(snapshot_.release());
    const auto lock = one_at_a_time();
    const GilReleased released;
    snapshot_.reset();
  }

 private:
  // The lock is held across copies without the GIL, so it must not be acquired with the GIL.
  std::unique_lock<std::mutex> one_at_a_time() {
    if (owner_ != process_id())
      throw std::runtime_error("the snapshot was taken in another process; expected one of this process");
    const GilReleased released;
    return std::unique_lock(calls_);
  }

  PrioritizedReplay::Snapshot& opened() const {
    if (!snapshot_) throw py::value_error("the snapshot is closed");
    return *snapshot_;
  }

  std::vector<std::int64_t> positions(const py::object& given, const char* name) const {
    const auto array = index_array(given, name);
    require_shape(array, name, {static_cast<py::ssize_t>(replay_->core().config().num_envs)});
    return copied(array);
  }

  const ProcessId owner_ = process_id();
  std::mutex calls_;
  std::shared_ptr<ArrayReplay> replay_;
  std::unique_ptr<PrioritizedReplay::Snapshot> snapshot_;
};

}  // namespace

void bind_replay_snapshot(py::module_& module) {
  py::class_<ArraySnapshot>(module, "Snapshot", "Core of apexline.replay.ReplaySnapshot.")
      .def(py::init([](const std::shared_ptr<ArrayReplay>& replay) {
             if (!replay) throw py::type_error("replay is None; expected a Replay");
             return construct<ArraySnapshot>(replay);
           }),
           py::arg("replay"))
      .def("state", &ArraySnapshot::state)
      .def_property_readonly("contents", &ArraySnapshot::contents)
      .def("bounds", &ArraySnapshot::bounds)
      .def("has", &ArraySnapshot::has, py::arg("begin"))
      .def("read", &ArraySnapshot::read, py::arg("begin"), py::arg("end"))
      .def("release", &ArraySnapshot::release, py::arg("begin"))
      .def("close", &ArraySnapshot::close);
}

}  // namespace apexline::bindings
