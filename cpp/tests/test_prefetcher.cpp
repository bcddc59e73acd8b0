#include "replay/prefetcher.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "check.hpp"
#include "forked.hpp"
#include "replays.hpp"

using namespace apexline;
using namespace apexline::test;

namespace {

std::shared_ptr<PrioritizedReplay> filled(const ReplayConfig& config, Steps& steps, int count) {
  auto replay = std::make_shared<PrioritizedReplay>(config);
  for (int step = 0; step < count; ++step) replay->add(steps.next());
  return replay;
}

}  // namespace

// Up to `ahead` batches are pending while steps are added, which overwrite drawn slots, and priorities are updated; the twin
// gathers each batch when it is requested.
TEST(batches_equal_those_gathered_when_requested) {
  constexpr std::size_t ahead = 4;
  for (const auto& [config, requests, largest] :
       {std::tuple{config_with(2), 150U, 60}, {wide_config_with(2), 30U, 30}}) {
    Steps steps(config, 1);
    Steps twin_steps(config, 1);
    Random random(2);
    const auto replay = filled(config, steps, 90);
    const auto twin = filled(config, twin_steps, 90);
    Prefetcher prefetcher(replay);
    struct Pending {
      std::uint64_t number;
      std::unique_ptr<Batch> batch;
      Batch expected;
    };
    std::deque<Pending> pending;
    for (std::uint64_t request = 0; request < requests; ++request) {
      replay->add(steps.next());
      twin->add(twin_steps.next());
      auto batch = std::make_unique<Batch>(config, 1 + random.below(largest));
      const int shift = static_cast<int>(random.below(static_cast<std::uint64_t>(config.shift) + 1));
      Batch expected = sampled(*twin, static_cast<std::int64_t>(batch->rows), 0.5, shift);
      const std::uint64_t number = prefetcher.request(0.5, shift, batch->arrays());
      CHECK(number == request);
      pending.push_back({number, std::move(batch), std::move(expected)});
      if (pending.size() < ahead) continue;
      const Pending& oldest = pending.front();
      prefetcher.wait(oldest.number);
      CHECK(*oldest.batch == oldest.expected);
      const auto errors = random_errors(random, oldest.batch->rows);
      CHECK(replay->update_priorities(oldest.batch->indices, errors) ==
            twin->update_priorities(oldest.expected.indices, errors));
      pending.pop_front();
    }
    for (; !pending.empty(); pending.pop_front()) {
      prefetcher.wait(pending.front().number);
      CHECK(*pending.front().batch == pending.front().expected);
    }
    replay->check();
  }
}

// The adds overwrite every slot: they would wait forever for a read that never ends.
TEST(destroying_it_ends_the_reads_of_pending_requests) {
  const ReplayConfig config = wide_config_with(2);
  Steps steps(config, 1);
  const auto replay = filled(config, steps, 60);
  std::vector<Batch> batches(20, Batch(config, 20));
  {
    Prefetcher prefetcher(replay);
    for (Batch& batch : batches) prefetcher.request(0.4, 0, batch.arrays());
  }
  CHECK(replay.use_count() == 1);
  for (int step = 0; step < 130; ++step) replay->add(steps.next());
  replay->check();
}

TEST(it_keeps_its_replay) {
  const ReplayConfig config = config_with(1);
  Steps steps(config, 1);
  auto replay = filled(config, steps, 40);
  const std::weak_ptr<PrioritizedReplay> watched = replay;
  Batch batch(config, 8);
  {
    Prefetcher prefetcher(std::move(replay));
    prefetcher.wait(prefetcher.request(0.4, 0, batch.arrays()));
    CHECK(!watched.expired());
  }
  CHECK(watched.expired());
}

// The slots of a batch may be overwritten after `wait`, while the prefetcher exists.
TEST(a_read_ends_when_its_batch_is_waited_for) {
  const ReplayConfig config = config_with(1);
  Steps steps(config, 1);
  const auto replay = filled(config, steps, 60);
  Prefetcher prefetcher(replay);
  for (int round = 0; round < 5; ++round) {
    Batch batch(config, 50);
    prefetcher.wait(prefetcher.request(0.4, 0, batch.arrays()));
    for (int step = 0; step < 150; ++step) replay->add(steps.next());
  }
  replay->check();
}

TEST(a_request_that_cannot_be_drawn_throws_and_takes_no_number) {
  const ReplayConfig config = config_with(1);
  const auto replay = std::make_shared<PrioritizedReplay>(config);
  Prefetcher prefetcher(replay);
  Batch batch(config, 8);
  CHECK_THROWS(std::invalid_argument, "no transition can be sampled yet", prefetcher.request(0.4, 0, batch.arrays()));
  Steps steps(config, 1);
  for (int step = 0; step < 40; ++step) replay->add(steps.next());
  CHECK_THROWS(std::invalid_argument, "beta is 2", prefetcher.request(2, 0, batch.arrays()));
  CHECK_THROWS(std::invalid_argument, "shift is 3", prefetcher.request(0.4, 3, batch.arrays()));
  CHECK(prefetcher.request(0.4, 0, batch.arrays()) == 0);
  prefetcher.wait(0);
}

#if defined(APEXLINE_TEST_FORKS)
TEST(in_a_forked_child_requests_throw_and_destruction_works) {
  const ReplayConfig config = config_with(2);
  Steps steps(config, 1);
  const auto replay = filled(config, steps, 60);
  auto prefetcher = std::make_unique<Prefetcher>(replay);
  Batch batch(config, 8);
  prefetcher->wait(prefetcher->request(0.4, 0, batch.arrays()));
  CHECK(holds_in_child([&] {
    const auto refuses = [](auto&& call) { return wrong_throw<std::runtime_error>(call, "forked process").empty(); };
    const bool right =
        refuses([&] { prefetcher->request(0.4, 0, batch.arrays()); }) && refuses([&] { prefetcher->wait(0); });
    prefetcher.reset();
    for (int step = 0; step < 250; ++step) replay->add(steps.next());
    return right;
  }));
  prefetcher->wait(prefetcher->request(0.4, 0, batch.arrays()));
}
#endif
