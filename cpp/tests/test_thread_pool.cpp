#include "apexline/support/thread_pool.hpp"

#include <cstdint>
#include <memory>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "check.hpp"

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
    for (const std::int64_t count : {0, 1, 2, 7, 63, 64, 65, 1000}) CHECK(each_once(pool, count));
  }
}

TEST(is_reused_many_times) {
  ThreadPool pool(4);
  for (int round = 0; round < 2000; ++round) CHECK(each_once(pool, 1 + round % 9));
}

TEST(never_used_is_destroyed_at_once) { const ThreadPool pool(8); }

TEST(there_is_a_processor) { CHECK(available_processors() >= 1); }

#if !defined(__SANITIZE_THREAD__)  // the thread sanitizer does not follow a fork of a process that has threads
// A child that hangs is ended by its alarm.
TEST(forked_child_works_alone_and_leaves) {
  auto pool = std::make_unique<ThreadPool>(4);
  CHECK(each_once(*pool, 100));
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    const bool right = each_once(*pool, 100);
    pool.reset();
    _exit(right ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(each_once(*pool, 100));
}
#endif
