// A persistent pool that splits a range of independent items over threads.
//
// `parallel_for(count, work)` calls `work(begin, end)` on disjoint pieces that cover 0 .. count and returns when all
// are done; the calling thread works too. `work` must not throw, and its result must not depend on how the range is
// cut.
//
// Thread-safe: a call made while another is running does all its work in the calling thread. Threads start at the
// first call; if the system refuses some, the pool works with fewer. A forked child has none and works in the calling
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "support/process.hpp"

namespace apexline {

class ThreadPool {
 public:
  using Work = std::function<void(std::int64_t begin, std::int64_t end)>;

  explicit ThreadPool(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int num_threads() const noexcept { return num_threads_; }
  void parallel_for(std::int64_t count, const Work& work);

 private:
  class Threads;  // and the state that they share

  const int num_threads_;
  std::mutex busy_;
  ProcessId owner_ = 0;
  std::unique_ptr<Threads> threads_;
};

}  // namespace apexline
