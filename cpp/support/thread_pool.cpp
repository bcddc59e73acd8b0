#include "support/thread_pool.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace apexline {

namespace {

// Waking an idle processor takes about as long as gathering a batch, so a thread spins before it sleeps.
constexpr auto kSpinTime = std::chrono::microseconds(50);

template <class Condition>
void spin_until(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + kSpinTime;
  while (!condition() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

}  // namespace

class ThreadPool::Threads {
 public:
  explicit Threads(int num_threads) {
    try {
      for (int others = 1; others < num_threads; ++others) threads_.emplace_back([this] { serve(); });
    } catch (const std::system_error&) {  // the work is shared by the threads that did start
    }
  }

  ~Threads() {
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
      spin_until(is_done);
      lock.lock();
    }
    done_.wait(lock, is_done);
  }

 private:
  // Pieces per thread on average. A thread claims the next piece when it has finished one, so a thread that was delayed
  // does not delay the others.
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
      spin_until([this, round = round_.load()] { return round_ != round || stopping_; });
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
  // Written while the mutex is held; read without it as well.
  std::atomic<std::int64_t> count_ = 0;
  std::atomic<std::int64_t> finished_ = 0;
  std::atomic<std::uint64_t> round_ = 0;
  std::atomic<bool> stopping_ = false;
};

ThreadPool::ThreadPool(int num_threads) : num_threads_(num_threads) {}

// A forked child has no threads to join, and destroying condition variables on which the parent's threads waited would
// block forever, so the child leaks them.
ThreadPool::~ThreadPool() {
  if (threads_ && owner_ != process_id()) static_cast<void>(threads_.release());
}

void ThreadPool::parallel_for(std::int64_t count, const Work& work) {
  const std::unique_lock busy(busy_, std::try_to_lock);
  if (num_threads_ == 1 || count < 2 || !busy) return work(0, count);
  if (!threads_) {
    owner_ = process_id();
    threads_ = std::make_unique<Threads>(num_threads_);
  }
  if (owner_ != process_id()) return work(0, count);
  threads_->run(count, work);
}

}  // namespace apexline
