#include "support/thread_pool.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include <unistd.h>

namespace apexline {

namespace {

// A processor that fell idle takes about as long to wake as a batch takes to gather, so whoever expects word soon looks
// out for it for a while before sleeping.
template <class Expected>
void look_out_for(const Expected& expected) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
  while (!expected() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

}  // namespace

class ThreadPool::Crew {
 public:
  explicit Crew(int num_threads) {
    try {
      for (int others = 1; others < num_threads; ++others) threads_.emplace_back([this] { serve(); });
    } catch (const std::system_error&) {  // the work is shared by the threads there are
    }
  }

  ~Crew() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

  void run(std::int64_t count, const Work& work) {
    std::unique_lock lock(mutex_);
    work_ = &work;
    count_ = count;
    piece_ = std::max<std::int64_t>(1, count / (kPieces * (static_cast<std::int64_t>(threads_.size()) + 1)));
    claimed_ = 0;
    finished_ = 0;
    ++round_;
    wake_.notify_all();
    run_pieces(lock);
    const auto is_done = [this] { return finished_ == count_; };
    if (!is_done()) {
      lock.unlock();
      look_out_for(is_done);
      lock.lock();
    }
    done_.wait(lock, is_done);
  }

 private:
  // Pieces a thread, were they shared evenly. A thread takes another when it is through with one, so one that woke
  // late, or was held up, does not hold up the rest.
  static constexpr std::int64_t kPieces = 8;

  void run_pieces(std::unique_lock<std::mutex>& lock) {
    while (claimed_ < count_) {
      const std::int64_t begin = claimed_;
      const std::int64_t end = std::min<std::int64_t>(begin + piece_, count_);
      const Work& work = *work_;
      claimed_ = end;
      lock.unlock();
      work(begin, end);
      lock.lock();
      finished_ += end - begin;
    }
    if (finished_ == count_) done_.notify_one();
  }

  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return stopping_ || claimed_ < count_; });
      if (stopping_) return;
      run_pieces(lock);
      lock.unlock();
      look_out_for([this, round = round_.load()] { return round_ != round || stopping_; });
      lock.lock();
    }
  }

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  const Work* work_ = nullptr;
  std::int64_t piece_ = 1;
  std::int64_t claimed_ = 0;
  // Written with the lock, looked at without it.
  std::atomic<std::int64_t> count_ = 0;
  std::atomic<std::int64_t> finished_ = 0;
  std::atomic<std::uint64_t> round_ = 0;
  std::atomic<bool> stopping_ = false;
};

ThreadPool::ThreadPool(int num_threads) : num_threads_(num_threads) {}

// A forked child has no threads to join, and destroying condition variables that the parent's threads waited on would
// wait for them for ever: the child leaves the crew where it is.
ThreadPool::~ThreadPool() {
  if (crew_ && owner_ != getpid()) static_cast<void>(crew_.release());
}

void ThreadPool::parallel_for(std::int64_t count, const Work& work) {
  const std::unique_lock busy(busy_, std::try_to_lock);
  if (num_threads_ == 1 || count < 2 || !busy) return work(0, count);
  if (!crew_) {
    owner_ = getpid();
    crew_ = std::make_unique<Crew>(num_threads_);
  }
  if (owner_ != getpid()) return work(0, count);
  crew_->run(count, work);
}

}  // namespace apexline
