// One thread that runs jobs in the order they are given.
//
// Thread-safety: any calls may run at once. In a forked child the thread is gone: `submit` and `wait` throw there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <sys/types.h>

namespace apexline {

class Worker {
 public:
  using Job = std::function<void()>;

  Worker();
  // Waits for the job that runs; those that have not begun are dropped.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Throws std::runtime_error in a forked child.
  void require_own_process() const;
  // Returns the job's number: 0, 1, ... Throws std::runtime_error in a forked child.
  std::uint64_t submit(Job job);
  // Until job `number` has run; throws what it threw, once. Throws std::runtime_error in a forked child.
  void wait(std::uint64_t number);

 private:
  class Thread;

  const pid_t owner_;
  std::unique_ptr<Thread> thread_;
};

}  // namespace apexline
