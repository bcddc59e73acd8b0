#include "support/worker.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "check.hpp"
#include "forked.hpp"

using namespace apexline;

TEST(jobs_run_in_order_in_another_thread) {
  constexpr std::uint64_t count = 500;
  Worker worker;
  std::vector<std::uint64_t> ran;  // by one thread; seen after the last wait
  std::thread::id runner;
  for (std::uint64_t job = 0; job < count; ++job)
    CHECK(worker.submit([&, job] {
      ran.push_back(job);
      runner = std::this_thread::get_id();
    }) == job);
  worker.wait(count - 1);
  std::vector<std::uint64_t> in_order(count);
  std::iota(in_order.begin(), in_order.end(), std::uint64_t{0});
  CHECK(ran == in_order);
  CHECK(runner != std::this_thread::get_id());
}

TEST(waiting_again_and_for_earlier_jobs_returns_at_once) {
  Worker worker;
  for (int job = 0; job < 3; ++job) worker.submit([] {});
  for (const std::uint64_t number : {2U, 0U, 1U, 2U}) worker.wait(number);
}

TEST(wait_throws_what_its_job_threw_once) {
  Worker worker;
  worker.submit([] { throw std::out_of_range("the first"); });
  worker.submit([] {});
  worker.submit([] { throw std::invalid_argument("the third"); });
  worker.wait(1);
  CHECK_THROWS(std::invalid_argument, "the third", worker.wait(2));
  CHECK_THROWS(std::out_of_range, "the first", worker.wait(0));
  worker.wait(0);
  worker.wait(2);
  bool ran = false;
  worker.wait(worker.submit([&] { ran = true; }));
  CHECK(ran);
}

TEST(captures_of_a_job_are_released_when_wait_returns) {
  Worker worker;
  for (int round = 0; round < 200; ++round) {
    auto held = std::make_shared<int>(round);
    const std::weak_ptr<int> watched = held;
    const bool throws = round % 2 == 1;
    const std::uint64_t number = worker.submit([held = std::move(held), throws] {
      if (throws) throw std::runtime_error("on purpose");
    });
    if (throws)
      CHECK_THROWS(std::runtime_error, "on purpose", worker.wait(number));
    else
      worker.wait(number);
    CHECK(watched.expired());
  }
}

// A hundred jobs would take a second; destruction waits for one of them.
TEST(destruction_waits_for_the_running_job_and_drops_the_rest) {
  constexpr int count = 100;
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;
  const auto held = std::make_shared<int>(0);
  {
    Worker worker;
    for (int job = 0; job < count; ++job)
      worker.submit([&, held] {
        ++begun;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        ++ended;
      });
    while (begun == 0) std::this_thread::yield();
  }
  CHECK(begun == ended);
  CHECK(ended < count);
  CHECK(held.use_count() == 1);
}

TEST(destruction_drops_what_was_thrown_and_never_waited_for) {
  Worker worker;
  worker.submit([] { throw std::runtime_error("not waited for"); });
  worker.wait(worker.submit([] {}));
}

TEST(an_unused_pool_is_destroyed_at_once) { const Worker worker; }

TEST(many_threads_submit_and_wait_at_once) {
  constexpr int threads = 4;
  constexpr int each = 200;
  Worker worker;
  std::int64_t sum = 0;  // jobs run one after another
  std::vector<std::thread> callers;
  for (int caller = 0; caller < threads; ++caller)
    callers.emplace_back([&] {
      for (int job = 0; job < each; ++job) worker.wait(worker.submit([&] { ++sum; }));
    });
  for (auto& caller : callers) caller.join();
  CHECK(sum == threads * each);
}

#if defined(APEXLINE_TEST_FORKS)
TEST(in_a_forked_child_it_refuses_and_leaves) {
  auto worker = std::make_unique<Worker>();
  worker->wait(worker->submit([] {}));
  const auto refuses = [](auto&& call) {
    return apexline::test::wrong_throw<std::runtime_error>(call, "forked process").empty();
  };
  CHECK(apexline::test::holds_in_child([&] {
    const bool right = refuses([&] { worker->submit([] {}); }) && refuses([&] { worker->wait(0); });
    worker.reset();
    return right;
  }));
  bool ran = false;
  worker->wait(worker->submit([&] { ran = true; }));
  CHECK(ran);
}

TEST(a_child_forked_while_a_job_runs_leaves) {
  std::atomic<bool> begun = false;
  std::atomic<bool> release = false;
  auto worker = std::make_unique<Worker>();
  worker->submit([&] {
    begun = true;
    while (!release) std::this_thread::yield();
  });
  worker->submit([] {});
  while (!begun) std::this_thread::yield();
  CHECK(apexline::test::holds_in_child([&] {
    worker.reset();
    return true;
  }));
  release = true;
  worker->wait(1);
}
#endif
