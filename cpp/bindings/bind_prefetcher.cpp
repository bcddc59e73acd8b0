#include <deque>
#include <exception>
#include <mutex>
#include <utility>

#include "array_replay.hpp"
#include "bindings.hpp"
#include "constructed.hpp"
#include "gil.hpp"
#include "replay/prefetcher.hpp"

namespace apexline::bindings {
namespace {

// Pending batches. References their arrays until they are taken, so that Python cannot free them while they are written.
class ArrayPrefetcher : public NeverUnconstructed {
 public:
  explicit ArrayPrefetcher(const std::shared_ptr<ArrayReplay>& replay)
      : replay_(replay), prefetcher_(std::make_unique<Prefetcher>(replay->shared())) {}

  ~ArrayPrefetcher() { close(); }
  ArrayPrefetcher(const ArrayPrefetcher&) = delete;
  ArrayPrefetcher& operator=(const ArrayPrefetcher&) = delete;

  std::size_t pending() const { return batches_.size(); }

  void request(double beta, int shift, const py::tuple& batch) {
    const auto lock = one_at_a_time();
    require_open();
    if (batch.size() != 8) throw py::value_error(text("batch has ", batch.size(), " fields; expected 8"));
    BatchTarget target =
        replay_->arrays_of(batch[0], batch[1], batch[2], batch[3], batch[4], batch[5], batch[6], batch[7]);
    std::uint64_t number = 0;
    {
      const GilReleased released;
      number = prefetcher_->request(beta, shift, target.out);
    }
    batches_.push_back({number, batch, std::move(target.arrays)});
  }

  // All pending batches, after they were gathered; they stay pending.
  py::list gathered() {
    const auto lock = one_at_a_time();
    require_open();
    py::list batches;
    for (Pending& pending : batches_) {
      wait_for(pending);
      batches.append(pending.batch);
    }
    return batches;
  }

  py::tuple take() {
    const auto lock = one_at_a_time();
    require_open();
    if (batches_.empty()) throw py::value_error("no batch was requested");
    Pending pending = std::move(batches_.front());
    batches_.pop_front();
    wait_for(pending);
    return pending.batch;
  }

  void close() {
    const auto lock = one_at_a_time();
    {
      const GilReleased released;
      prefetcher_.reset();
    }
    batches_.clear();
  }

 private:
  // The lock is held across waits without the GIL, so it must not be acquired with the GIL.
  std::unique_lock<std::mutex> one_at_a_time() {
    const GilReleased released;
    return std::unique_lock(calls_);
  }

  struct Pending {
    std::uint64_t number;
    py::tuple batch;
    std::vector<py::array> arrays;  // which another thread might remove from the batch's `extras`
    std::exception_ptr failure = nullptr;  // of gathering it, raised by every call that waits for it
  };

  void wait_for(Pending& pending) {
    if (!pending.failure) {
      const GilReleased released;
      try {
        prefetcher_->wait(pending.number);
      } catch (...) {
        pending.failure = std::current_exception();
      }
    }
    if (pending.failure) std::rethrow_exception(pending.failure);
  }

  void require_open() const {
    if (!prefetcher_) throw py::value_error("the prefetcher is closed");
  }

  std::mutex calls_;
  std::shared_ptr<ArrayReplay> replay_;
  std::unique_ptr<Prefetcher> prefetcher_;
  std::deque<Pending> batches_;
};

}  // namespace

void bind_prefetcher(py::module_& module) {
  py::class_<ArrayPrefetcher>(module, "Prefetcher", "Core of apexline.replay.Prefetch, whose methods document it.")
      .def(py::init([](const std::shared_ptr<ArrayReplay>& replay) {
             if (!replay) throw py::type_error("replay is None; expected a Replay");
             return construct<ArrayPrefetcher>(replay);
           }),
           py::arg("replay"))
      .def_property_readonly("pending", &ArrayPrefetcher::pending)
      .def("request", &ArrayPrefetcher::request, py::arg("beta"), integer("shift"), py::arg("batch"))
      .def("gathered", &ArrayPrefetcher::gathered)
      .def("take", &ArrayPrefetcher::take)
      .def("close", &ArrayPrefetcher::close);
}

}  // namespace apexline::bindings
