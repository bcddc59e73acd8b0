// A thread that runs jobs in the order of their submission. Thread-safe.
//
// A forked child does not have the thread: `submit` and `wait` throw there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "support/process.hpp"

namespace apexline {

class Worker {
 public:
  using Job = std::function<void()>;

  Worker();
  // Waits for the running job and drops those that have not started.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Throws std::runtime_error in a forked child.
  void require_own_process() const;
  // Returns the job's number: 0, 1, ... Throws std::runtime_error in a forked child.
  std::uint64_t submit(Job job);
  // Waits until job `number` has run and rethrows its exception, once. Throws std::runtime_error in a forked child.
  void wait(std::uint64_t number);

 private:
  class Thread;

  const ProcessId owner_;
  std::unique_ptr<Thread> thread_;
};

}  // namespace apexline
