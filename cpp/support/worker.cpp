#include "support/worker.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

namespace apexline {

class Worker::Thread {
 public:
  Thread() : thread_([this] { serve(); }) {}

  ~Thread() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  std::uint64_t submit(Job job) {
    std::uint64_t number = 0;
    {
      const std::scoped_lock lock(mutex_);
      jobs_.push_back(std::move(job));
      number = submitted_++;
    }
    changed_.notify_all();
    return number;
  }

  void wait(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_ > number; });
    if (const auto failed = failures_.extract(number)) std::rethrow_exception(failed.mapped());
  }

 private:
  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      std::exception_ptr failure;
      try {
        job();
      } catch (...) {
        failure = std::current_exception();
      }
      job = nullptr;  // releases its captures before the job counts as done
      lock.lock();
      if (failure) failures_.emplace(done_, failure);
      ++done_;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::map<std::uint64_t, std::exception_ptr> failures_;
  std::uint64_t submitted_ = 0;
  std::uint64_t done_ = 0;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

Worker::Worker() : owner_(process_id()), thread_(std::make_unique<Thread>()) {}

// In a forked child there is no thread to join, so the object is leaked.
Worker::~Worker() {
  if (owner_ != process_id()) static_cast<void>(thread_.release());
}

void Worker::require_own_process() const {
  if (owner_ != process_id()) throw std::runtime_error("the background thread does not exist in a forked process");
}

std::uint64_t Worker::submit(Job job) {
  require_own_process();
  return thread_->submit(std::move(job));
}

void Worker::wait(std::uint64_t number) {
  require_own_process();
  thread_->wait(number);
}

}  // namespace apexline
