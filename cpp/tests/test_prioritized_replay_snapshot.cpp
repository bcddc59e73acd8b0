// Snapshots: their slots are those of their moment, whatever other threads do meanwhile.
#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "background.hpp"
#include "check.hpp"
#include "forked.hpp"
#include "replays.hpp"

using namespace apexline;
using namespace apexline::test;

namespace {

using Positions = std::vector<std::int64_t>;
using Snapshot = PrioritizedReplay::Snapshot;

// Slots of all environments.
struct Slots {
  Slots(const ReplayConfig& config, std::int64_t count)
      : frames(static_cast<std::size_t>(count) * config.geometry.bytes()),
        rewards(static_cast<std::size_t>(count)),
        in_episode(rewards.size()),
        flags(rewards.size()) {
    for (const std::size_t bytes : config.field_bytes) fields.emplace_back(rewards.size() * bytes);
  }

  SlotArrays arrays() {
    SlotArrays out{frames.data(), {}, rewards.data(), in_episode.data(), flags.data()};
    for (auto& field : fields) out.fields.push_back(field.data());
    return out;
  }

  bool operator==(const Slots&) const = default;

  std::vector<std::byte> frames;
  std::vector<std::vector<std::byte>> fields;
  std::vector<float> rewards;
  std::vector<std::uint32_t> in_episode;
  std::vector<std::uint8_t> flags;
};

Slots read(const ReplayConfig& config, Snapshot& snapshot, const Positions& begin, const Positions& end) {
  Slots slots(config, snapshot.count(begin, end));
  snapshot.read(begin, end, slots.arrays());
  return slots;
}

Slots read(const ReplayConfig& config, Snapshot& snapshot) {
  return read(config, snapshot, snapshot.first(), snapshot.end());
}

// By `read_slots`, environment by environment.
std::vector<Slots> stored(const PrioritizedReplay& replay) {
  std::vector<Slots> all;
  const ReplayState state = replay.state();
  const std::int64_t slots = replay.config().capacity / replay.config().num_envs;
  for (std::int64_t env = 0; env < replay.config().num_envs; ++env) {
    const RingCounters& ring = state.rings[static_cast<std::size_t>(env)];
    const std::int64_t begin = std::max(ring.first, ring.head - slots);
    all.emplace_back(replay.config(), ring.head - begin);
    replay.read_slots(env, begin, ring.head, all.back().arrays());
  }
  return all;
}

std::vector<Slots> by_environment(const ReplayConfig& config, Snapshot& snapshot) {
  std::vector<Slots> all;
  for (std::size_t env = 0; env < snapshot.end().size(); ++env) {
    Positions begin = snapshot.end();
    begin[env] = snapshot.first()[env];
    all.push_back(read(config, snapshot, begin, snapshot.end()));
  }
  return all;
}

bool same(const ReplayState& one, const ReplayState& other) {
  const auto same_ring = [](const RingCounters& a, const RingCounters& b) {
    return a.head == b.head && a.first == b.first && a.next_in_episode == b.next_in_episode &&
           a.episodes == b.episodes && a.evicted == b.evicted;
  };
  return one.seed == other.seed && one.draws == other.draws && one.batches == other.batches &&
         one.stale_updates == other.stale_updates && one.max_priority == other.max_priority &&
         std::ranges::equal(one.rings, other.rings, same_ring) && one.priorities == other.priorities;
}

// The positions `count` slots after `begin`, at most `end`.
Positions after(const Positions& begin, std::int64_t count, const Positions& end) {
  Positions moved = begin;
  for (std::size_t env = 0; env < moved.size(); ++env) moved[env] = std::min(moved[env] + count, end[env]);
  return moved;
}

}  // namespace

TEST(a_snapshot_is_the_state_and_the_slots_of_its_moment) {
  const ReplayConfig config = config_with(1);
  for (const int steps_before : {0, 1, 2, 3, 40, 250}) {
    PrioritizedReplay replay(config);
    Steps steps(config, 1);
    fill(replay, steps, steps_before);
    const std::vector<Slots> expected = stored(replay);
    const ReplayState state = replay.state();
    Snapshot snapshot = replay.snapshot();
    const Slots at_once = read(config, snapshot);
    replay.cut_episodes(nullptr);
    CHECK(same(snapshot.state(), state));
    CHECK(by_environment(config, snapshot) == expected);
    CHECK(read(config, snapshot) == at_once);
  }
}

TEST(cuts_clears_and_updates_do_not_wait_and_change_no_snapshot) {
  const ReplayConfig config = config_with(1);
  PrioritizedReplay replay(config);
  Steps steps(config, 1);
  fill(replay, steps, 250);
  const std::vector<Slots> expected = stored(replay);
  const ReplayState state = replay.state();
  Snapshot snapshot = replay.snapshot();
  Snapshot moved = std::move(snapshot);
  Random random(2);
  Batch batch = sampled(replay, 30);
  replay.update_priorities(batch.indices, random_errors(random, batch.rows));
  replay.cut_episodes(nullptr);
  replay.clear();
  replay.cut_episodes(nullptr);
  CHECK(same(moved.state(), state));
  CHECK(by_environment(config, moved) == expected);
}

TEST(an_add_that_would_overwrite_slots_of_a_snapshot_waits) {
  for (const bool ends : {false, true}) {
    FullRing full;
    for (int step = 0; step < 57; ++step) full.add();
    const std::vector<Slots> expected = stored(*full.replay);
    std::optional<Snapshot> snapshot = full.replay->snapshot();
    {
      const InBackground add([&] { full.add(ends); });
      CHECK(!add.done_in_a_while());
      CHECK(full.replay->state().rings[0].head == 57);
      CHECK(by_environment(full.config, *snapshot) == expected);
      snapshot->release(after(snapshot->first(), ends ? 1 : 0, snapshot->end()));
      CHECK(!add.done_in_a_while());
      snapshot->release(after(snapshot->first(), ends ? 2 : 1, snapshot->end()));
    }
    CHECK(full.replay->state().rings[0].head == (ends ? 59 : 58));
    full.replay->check();
  }
}

TEST(an_add_waits_until_the_snapshot_is_destroyed) {
  FullRing full;
  for (int step = 0; step < 57; ++step) full.add();
  auto snapshot = std::make_unique<Snapshot>(full.replay->snapshot());
  {
    const InBackground add([&] { full.add(); });
    CHECK(!add.done_in_a_while());
    snapshot.reset();
  }
  full.replay->check();
}

// The copies of the last two slots are in the snapshot, so they may be overwritten.
TEST(an_add_does_not_wait_for_released_slots_and_the_last_two) {
  FullRing full;
  for (int step = 0; step < 57; ++step) full.add();
  Snapshot snapshot = full.replay->snapshot();
  const Slots expected = read(full.config, snapshot, snapshot.last_two(), snapshot.end());
  snapshot.release(snapshot.last_two());
  for (int step = 0; step < 100; ++step) full.add();  // hangs if it waits
  CHECK(read(full.config, snapshot, snapshot.last_two(), snapshot.end()) == expected);
  CHECK(snapshot.has(snapshot.last_two()));
  CHECK(!snapshot.has(snapshot.first()));
}

TEST(slots_that_are_not_in_the_snapshot_are_refused) {
  const ReplayConfig config = config_with(1);
  PrioritizedReplay replay(config);
  Steps steps(config, 1);
  fill(replay, steps, 250);
  Snapshot snapshot = replay.snapshot();
  const Positions first = snapshot.first();
  const Positions end = snapshot.end();
  const auto changed = [](Positions positions, std::int64_t by) {
    positions[1] += by;
    return positions;
  };
  CHECK_THROWS(std::out_of_range, "positions of environment 1 are ", snapshot.count(changed(first, -1), end));
  CHECK_THROWS(std::out_of_range, "positions of environment 1 are ", snapshot.count(first, changed(end, 1)));
  CHECK_THROWS(std::out_of_range, "positions of environment 0 are ", snapshot.count(end, first));
  CHECK_THROWS(std::out_of_range, "the number of positions is 0", snapshot.count({}, {}));
  CHECK_THROWS(std::out_of_range, "the number of positions is 0", snapshot.release({}));
  snapshot.release(changed(first, 1));
  snapshot.release(first);  // released slots stay released
  CHECK_THROWS(std::out_of_range, "positions of environment 1 are ", snapshot.count(first, end));
  CHECK(snapshot.count(changed(first, 1), end) > 0);
  CHECK(!snapshot.has(first));
  CHECK(snapshot.has(changed(first, 1)));
}

TEST(snapshots_of_replaced_contents_are_refused_and_hold_nothing) {
  const ReplayConfig config = config_with(1);
  PrioritizedReplay replay(config);
  PrioritizedReplay other(config);
  Steps steps(config, 1);
  fill(replay, steps, 250);
  Snapshot snapshot = replay.snapshot();
  const std::uint64_t swapped = replay.swap_contents(other);
  CHECK_THROWS(std::runtime_error, "were replaced", read(config, snapshot));
  CHECK_THROWS(std::runtime_error, "were replaced", snapshot.has(snapshot.end()));
  CHECK(swapped != snapshot.contents());
  fill(replay, steps, 300);  // hangs if it waits
  CHECK(replay.snapshot().contents() == swapped);
  Snapshot later = replay.snapshot();
  replay.clear();
  CHECK(replay.snapshot().contents() == swapped);
  const ReplayState state = replay.state();
  replay.restore(state);
  CHECK(replay.snapshot().contents() != swapped);
  CHECK_THROWS(std::runtime_error, "were replaced", read(config, later));
}

// Checks the locking when run under the thread sanitizer.
TEST(snapshots_are_read_while_other_threads_use_the_replay) {
  const ReplayConfig config = config_with(2);
  PrioritizedReplay replay(config);
  Steps steps(config, 1);
  fill(replay, steps, 250);
  std::atomic<bool> written = false;
  std::atomic<int> bad = 0;
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (int round = 0; round < 400; ++round) {
      replay.add(steps.next());
      if (round % 50 == 25) replay.cut_episodes(nullptr);
    }
    written = true;
  });
  threads.emplace_back([&] {
    while (!written) bad += intact(config, sampled(replay, 16)) ? 0 : 1;
  });
  threads.emplace_back([&] {
    while (!written) {
      Snapshot snapshot = replay.snapshot();
      Positions begin = snapshot.first();
      while (begin != snapshot.end()) {
        const Positions end = after(begin, 7, snapshot.end());
        const Slots slots = read(config, snapshot, begin, end);
        std::size_t row = 0;
        for (std::size_t env = 0; env < begin.size(); ++env)
          for (std::int64_t position = begin[env]; position < end[env]; ++position, ++row) {
            const std::byte* frame = &slots.frames[row * config.geometry.bytes()];
            bad += of_one_step(frame, config.geometry.bytes()) &&
                           (frame[0] & std::byte{0xF8}) == mark(static_cast<std::int64_t>(env), position)
                       ? 0
                       : 1;
          }
        snapshot.release(end);
        begin = end;
      }
    }
  });
  for (auto& thread : threads) thread.join();
  CHECK(bad == 0);
  replay.check();
}

#if defined(APEXLINE_TEST_FORKS)
TEST(a_forked_child_neither_waits_for_a_snapshot_nor_reads_it) {
  FullRing full;
  for (int step = 0; step < 57; ++step) full.add();
  const std::vector<Slots> expected = stored(*full.replay);
  Snapshot snapshot = full.replay->snapshot();
  CHECK(holds_in_child([&] {
    for (int step = 0; step < 100; ++step) full.add();
    full.replay->check();
    try {
      read(full.config, snapshot);
    } catch (const std::runtime_error&) {
      return true;
    }
    return false;
  }));
  CHECK(by_environment(full.config, snapshot) == expected);
}
#endif
