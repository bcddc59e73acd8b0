// Gathers batches in a background thread.
//
// `request` draws in the caller's thread, so the transitions of a batch depend on when it was requested and never on when
// it is gathered. Requests are gathered and taken in order.
//
// Thread-safety: all calls may run concurrently.
#pragma once

#include <cstdint>
#include <memory>

#include "replay/prioritized_replay.hpp"
#include "support/worker.hpp"

namespace apexline {

class Prefetcher {
 public:
  explicit Prefetcher(std::shared_ptr<PrioritizedReplay> replay) : replay_(std::move(replay)) {}

  // The arrays of `out` must exist until the batch is taken or the prefetcher is destroyed. Throws as
  // PrioritizedReplay::draw, and std::runtime_error in a forked child. Returns the request's number: 0, 1, ...
  std::uint64_t request(double beta, int shift, const BatchArrays& out);
  // Waits until request `number` is gathered; rethrows an exception of gathering it.
  void wait(std::uint64_t number) { worker_.wait(number); }

 private:
  std::shared_ptr<PrioritizedReplay> replay_;
  Worker worker_;  // last: its jobs use the replay
};

}  // namespace apexline
