#include "support/thread_pool.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "check.hpp"
#include "forked.hpp"

using namespace apexline;

namespace {

std::vector<int> visits(ThreadPool& pool, std::int64_t count) {
  std::vector<int> seen(static_cast<std::size_t>(count));
  pool.parallel_for(count, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
  });
  return seen;
}

bool each_once(ThreadPool& pool, std::int64_t count) {
  return visits(pool, count) == std::vector<int>(static_cast<std::size_t>(count), 1);
}

}  // namespace

TEST(visits_each_index_once) {
  for (const int num_threads : {1, 2, 3, 8, 64}) {
    ThreadPool pool(num_threads);
    CHECK(pool.num_threads() == num_threads);
    for (std::int64_t count = 0; count < 70; ++count) CHECK(each_once(pool, count));
    for (const std::int64_t count : {127, 128, 129, 1000, 4097, 100003}) CHECK(each_once(pool, count));
  }
}

TEST(is_reused_many_times) {
  ThreadPool pool(4);
  for (int round = 0; round < 2000; ++round) CHECK(each_once(pool, 1 + round % 9));
}

TEST(pieces_are_not_empty_and_lie_within_the_range) {
  ThreadPool pool(3);
  for (const std::int64_t count : {1, 2, 5, 100, 1001}) {
    std::atomic<bool> right = true;
    pool.parallel_for(count, [&](std::int64_t begin, std::int64_t end) {
      if (begin < 0 || begin >= end || end > count) right = false;
    });
    CHECK(right);
  }
}

// Each piece waits for another to begin, so one thread alone would not finish.
TEST(pieces_run_concurrently) {
  ThreadPool pool(2);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  const auto enough = [&] {
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
    return threads.size() >= 2;
  };
  pool.parallel_for(16, [&](std::int64_t, std::int64_t) {
    while (!enough()) std::this_thread::yield();
  });
  CHECK(threads.size() == 2);
  CHECK(threads.contains(std::this_thread::get_id()));
}

// Pieces see the caller's writes before the call, and the caller sees theirs after it; checked by the thread sanitizer.
TEST(a_call_synchronises_memory) {
  ThreadPool pool(4);
  std::vector<int> values(1000);
  for (int round = 1; round <= 100; ++round) {
    for (int& value : values) ++value;
    pool.parallel_for(1000, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) ++values[static_cast<std::size_t>(i)];
    });
    CHECK(values == std::vector<int>(1000, 2 * round));
  }
}

// The first call blocks until the second has finished; if the second waited for the pool, neither would return.
TEST(a_concurrent_call_works_in_its_own_thread) {
  ThreadPool pool(3);
  std::atomic<bool> inside = false;
  std::atomic<bool> second_is_through = false;
  std::vector<int> first_seen(100);
  std::thread first([&] {
    pool.parallel_for(100, [&](std::int64_t begin, std::int64_t end) {
      inside = true;
      while (!second_is_through) std::this_thread::yield();
      for (std::int64_t i = begin; i < end; ++i) ++first_seen[static_cast<std::size_t>(i)];
    });
  });
  while (!inside) std::this_thread::yield();
  std::set<std::thread::id> threads;  // used by one thread only, checked by the thread sanitizer
  std::vector<int> second_seen(100);
  pool.parallel_for(100, [&](std::int64_t begin, std::int64_t end) {
    threads.insert(std::this_thread::get_id());
    for (std::int64_t i = begin; i < end; ++i) ++second_seen[static_cast<std::size_t>(i)];
  });
  second_is_through = true;
  first.join();
  CHECK(threads == std::set<std::thread::id>{std::this_thread::get_id()});
  CHECK(first_seen == std::vector<int>(100, 1));
  CHECK(second_seen == std::vector<int>(100, 1));
  CHECK(each_once(pool, 100));
}

TEST(calls_from_many_threads_all_cover_their_range) {
  ThreadPool pool(3);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&, caller] {
      for (int round = 0; round < 300; ++round) wrong += each_once(pool, 1 + (round * 7 + caller) % 50) ? 0 : 1;
    });
  for (auto& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST(an_unused_pool_is_destroyed_at_once) { const ThreadPool pool(8); }

#if defined(APEXLINE_TEST_FORKS)
TEST(a_forked_child_works_in_one_thread_and_exits) {
  auto pool = std::make_unique<ThreadPool>(4);
  CHECK(each_once(*pool, 100));
  CHECK(apexline::test::holds_in_child([&] {
    const bool right = each_once(*pool, 100);
    pool.reset();
    return right;
  }));
  CHECK(each_once(*pool, 100));
}

TEST(a_child_forked_before_the_first_call_starts_its_own_threads) {
  ThreadPool pool(2);
  CHECK(apexline::test::holds_in_child([&] { return each_once(pool, 100); }));
  CHECK(each_once(pool, 100));
}
#endif
