// Calls in another thread, which may wait.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

namespace apexline::test {

// Runs `body` in another thread.
class InBackground {
 public:
  template <class Body>
  explicit InBackground(Body body) : thread_([this, body] { body(), done_ = true; }) {}
  ~InBackground() { thread_.join(); }
  bool done() const { return done_; }
  // Time enough for a call that does not wait. Proves nothing about one that does, so a slow machine fails no test.
  bool done_in_a_while() const {
    for (int look = 0; look < 30 && !done_; ++look) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return done_;
  }

 private:
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

}  // namespace apexline::test
