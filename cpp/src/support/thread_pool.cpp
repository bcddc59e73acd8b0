#include "apexline/support/thread_pool.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif

namespace apexline {

int available_processors() noexcept {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

class ThreadPool::Crew {
 public:
  explicit Crew(int num_threads) {
    try {
      for (int piece = 1; piece < num_threads; ++piece) threads_.emplace_back([this, piece] { serve(piece); });
    } catch (const std::system_error&) {  // the pieces are cut for the threads there are
    }
  }

  ~Crew() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

  void run(std::int64_t count, const Work& work) {
    {
      const std::lock_guard lock(mutex_);
      work_ = &work;
      count_ = count;
      unfinished_ = threads_.size();
      ++round_;
    }
    wake_.notify_all();
    run_piece(0);
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return unfinished_ == 0; });
  }

 private:
  void run_piece(int piece) const {
    const auto pieces = static_cast<std::int64_t>(threads_.size()) + 1;
    const std::int64_t begin = count_ * piece / pieces;
    const std::int64_t end = count_ * (piece + 1) / pieces;
    if (begin < end) (*work_)(begin, end);
  }

  void serve(int piece) {
    std::uint64_t served = 0;
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return stopping_ || round_ != served; });
      if (stopping_) return;
      served = round_;
      lock.unlock();
      run_piece(piece);
      lock.lock();
      if (--unfinished_ == 0) done_.notify_one();
    }
  }

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  const Work* work_ = nullptr;
  std::int64_t count_ = 0;
  std::uint64_t round_ = 0;
  std::size_t unfinished_ = 0;
  bool stopping_ = false;
};

ThreadPool::ThreadPool(int num_threads) : num_threads_(num_threads) {}

// A forked child has no threads to join, and destroying condition variables that the parent's threads waited on would
// wait for them for ever: the child leaves the crew where it is.
ThreadPool::~ThreadPool() {
  if (crew_ && owner_ != getpid()) static_cast<void>(crew_.release());
}

void ThreadPool::parallel_for(std::int64_t count, const Work& work) {
  if (num_threads_ == 1 || count < 2) return work(0, count);
  if (!crew_) {
    owner_ = getpid();
    crew_ = std::make_unique<Crew>(num_threads_);
  }
  if (owner_ != getpid()) return work(0, count);
  crew_->run(count, work);
}

}  // namespace apexline
