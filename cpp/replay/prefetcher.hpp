// Batches gathered ahead by a thread of their own.
//
// `request` draws at once, in the caller's thread, so what a batch holds depends on when it was requested and never on
// when it is gathered. Requests are gathered and taken in order.
//
// Thread-safety: any calls may run at once.
#pragma once

#include <cstdint>
#include <memory>

#include "replay/prioritized_replay.hpp"
#include "support/worker.hpp"

namespace apexline {

class Prefetcher {
 public:
  explicit Prefetcher(std::shared_ptr<PrioritizedReplay> replay) : replay_(std::move(replay)) {}

  // The arrays of `out` must stay until the batch is taken or the prefetcher is gone. Throws as
  // PrioritizedReplay::draw, and std::runtime_error in a forked child. Returns the request's number: 0, 1, ...
  std::uint64_t request(double beta, int shift, const BatchArrays& out);
  // Waits until request `number` is gathered; throws what its gathering threw.
  void wait(std::uint64_t number) { worker_.wait(number); }

 private:
  std::shared_ptr<PrioritizedReplay> replay_;
  Worker worker_;  // last: its jobs use the replay
};

}  // namespace apexline
