// Calls that wait for reads, concurrent calls and forked children.
#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "background.hpp"
#include "check.hpp"
#include "forked.hpp"
#include "replay/prefetcher.hpp"
#include "replays.hpp"

using namespace apexline;
using namespace apexline::test;

TEST(an_add_that_would_overwrite_drawn_slots_waits) {
  for (const bool ends : {false, true}) {
    FullRing full;
    for (int step = 0; step < 57; ++step) full.add();
    const std::int64_t starts = full.replay->num_eligible();
    const Batch expected = [&] {
      FullRing twin;
      for (int step = 0; step < 57; ++step) twin.add();
      return sampled(*twin.replay, 2 * starts);
    }();
    Batch batch(full.config, 2 * starts);
    auto draw = std::make_unique<PrioritizedReplay::Draw>(full.replay->draw(0.5, kShift, batch.arrays()));
    {
      const InBackground add([&] { full.add(ends); });
      CHECK(!add.done_in_a_while());
      CHECK(full.replay->state().rings[0].head == 57);
      full.replay->gather(*draw, batch.arrays());
      CHECK(batch == expected);
      CHECK(!add.done());
      draw.reset();
    }
    CHECK(full.replay->state().rings[0].head == (ends ? 59 : 58));
    full.replay->check();
  }
}

// With 35 of 40 slots written, the sixth step overwrites slots of the draw, or the fifth if it ends an episode.
TEST(an_add_that_overwrites_no_drawn_slot_does_not_wait) {
  for (const bool ends : {false, true}) {
    FullRing full;
    for (int step = 0; step < 35; ++step) full.add();
    const std::int64_t starts = full.replay->num_eligible();
    Batch batch(full.config, 2 * starts);
    auto draw = std::make_unique<PrioritizedReplay::Draw>(full.replay->draw(0.5, kShift, batch.arrays()));
    for (int step = 0; step < (ends ? 4 : 5); ++step) full.add();  // hangs if it waits without need
    {
      const InBackground add([&] { full.add(ends); });
      CHECK(!add.done_in_a_while());
      full.replay->gather(*draw, batch.arrays());
      CHECK(intact(full.config, batch));
      draw.reset();
    }
    full.replay->check();
  }
}

TEST(an_add_to_other_environments_does_not_wait) {
  const ReplayConfig config = config_with(1);
  PrioritizedReplay replay(config);
  Steps steps(config, 1);
  const bool first[] = {true, false, false};
  const bool others[] = {false, true, true};
  for (int step = 0; step < 150; ++step) {
    StepBatch batch = steps.next(0);
    batch.mask = first;
    replay.add(batch);
  }
  Batch batch(config, 200);
  const PrioritizedReplay::Draw draw = replay.draw(0.4, 0, batch.arrays());
  for (int step = 0; step < 250; ++step) {  // hangs if it waits
    StepBatch more = steps.next();
    more.mask = others;
    replay.add(more);
  }
  CHECK(replay.state().rings[1].head > 200);
  replay.check();
}

TEST(a_cut_waits_for_reads) {
  FullRing full;
  for (int step = 0; step < 30; ++step) full.add();
  const Batch expected = [] {
    FullRing twin;
    for (int step = 0; step < 30; ++step) twin.add();
    return sampled(*twin.replay, 60);
  }();
  Batch batch(full.config, 60);
  auto draw = std::make_unique<PrioritizedReplay::Draw>(full.replay->draw(0.5, kShift, batch.arrays()));
  {
    const InBackground cut([&] { full.replay->cut_episodes(nullptr); });
    CHECK(!cut.done_in_a_while());
    full.replay->gather(*draw, batch.arrays());
    CHECK(batch == expected);
    draw.reset();
  }
  CHECK(full.replay->stats().episodes == 1);
  full.replay->check();
}

TEST(swap_contents_waits_for_reads) {
  FullRing full;
  FullRing other;
  for (int step = 0; step < 30; ++step) full.add();
  Batch batch(full.config, 20);
  auto draw = std::make_unique<PrioritizedReplay::Draw>(full.replay->draw(0.5, kShift, batch.arrays()));
  {
    const InBackground swap([&] { full.replay->swap_contents(*other.replay); });
    CHECK(!swap.done_in_a_while());
    full.replay->gather(*draw, batch.arrays());
    CHECK(intact(full.config, batch));
    draw.reset();
  }
  CHECK(full.replay->num_eligible() == 0);
  CHECK(other.replay->num_eligible() > 0);
}

// Checks the locking when run under the thread sanitizer.
TEST(concurrent_calls_keep_the_invariants) {
  const ReplayConfig config = config_with(2);
  const auto replay = std::make_shared<PrioritizedReplay>(config);
  Steps steps(config, 1);
  fill(*replay, steps, 50);
  std::atomic<int> bad = 0;
  std::atomic<bool> written = false;

  const auto write = [&] {
    fill(*replay, steps, 400);
    written = true;
  };
  const auto sample = [&] {
    for (int round = 0; round < 120; ++round) bad += intact(config, sampled(*replay, 16)) ? 0 : 1;
  };
  const auto update = [&] {
    Random own(3);
    Batch batch(config, 32);
    for (int round = 0; round < 150; ++round) {
      {
        static_cast<void>(replay->draw(0.4, 0, batch.arrays()));
      }
      replay->update_priorities(batch.indices, random_errors(own, batch.rows));
    }
  };
  const auto prefetch = [&] {
    std::deque<Batch> batches;  // outlives the prefetcher, which writes to them
    Prefetcher prefetcher(replay);
    for (std::uint64_t request = 0; request < 100; ++request) {
      batches.emplace_back(config, 16);
      prefetcher.request(0.4, 0, batches.back().arrays());
      if (batches.size() < 3) continue;
      prefetcher.wait(request - 2);
      bad += intact(config, batches.front()) ? 0 : 1;
      batches.pop_front();
    }
  };
  const auto watch = [&] {
    while (!written) {
      replay->check();
      bad += replay->num_eligible() > 0 && replay->max_priority() >= 1 && replay->stats().size > 0 ? 0 : 1;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  };
  std::vector<std::thread> threads;
  threads.emplace_back(write);
  for (int sampler = 0; sampler < 3; ++sampler) threads.emplace_back(sample);
  threads.emplace_back(update);
  threads.emplace_back(prefetch);
  threads.emplace_back(watch);
  for (auto& thread : threads) thread.join();

  CHECK(bad == 0);
  replay->check();
  CHECK(positive_priorities(*replay) == replay->num_eligible());
}

#if defined(APEXLINE_TEST_FORKS)
// Reads of the parent's threads do not block adds in the child.
TEST(a_forked_child_does_not_wait_for_the_parents_draws) {
  const ReplayConfig config = config_with(2);
  PrioritizedReplay replay(config);
  Steps steps(config, 1);
  fill(replay, steps, 60);
  Batch batch(config, 50);
  const auto draw = std::make_unique<PrioritizedReplay::Draw>(replay.draw(0.4, 0, batch.arrays()));
  CHECK(holds_in_child([&] {
    fill(replay, steps, 250);
    replay.check();
    return intact(config, sampled(replay, 30));
  }));
  replay.gather(*draw, batch.arrays());
  CHECK(intact(config, batch));
}
#endif
