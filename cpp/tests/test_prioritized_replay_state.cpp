// Restoring, checking and cutting the contents of a replay.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "replay_states.hpp"
#include "replays.hpp"

using namespace apexline;
using namespace apexline::test;

// A cut episode equals one that was truncated at the step before.
TEST(a_cut_episode_equals_one_truncated_a_step_before) {
  for (int steps = 0; steps < 6; ++steps) {
    ReplayConfig config = config_with(1);
    config.num_envs = 1;
    PrioritizedReplay cut(config);
    PrioritizedReplay truncated(config);
    const auto add = [&](PrioritizedReplay& replay, std::int64_t position, bool ends) {
      const std::vector<std::byte> frame = frame_of(config, 0, position);
      const std::vector<std::byte> final_frame = frame_of(config, 0, position + 1);
      const std::vector<std::byte> fields(kActionBytes);
      const auto reward = static_cast<float>(position + 1);
      const bool no = false;
      replay.add({frame.data(),
                  {fields.data(), reinterpret_cast<const std::byte*>(&position), fields.data()},
                  &reward,
                  &no,
                  &ends,
                  final_frame.data(),
                  nullptr});
    };
    for (std::int64_t position = 0; position <= steps; ++position) add(cut, position, false);
    for (std::int64_t position = 0; position < steps; ++position) add(truncated, position, position + 1 == steps);
    const bool none = false;
    cut.cut_episodes(&none);
    CHECK(cut.stats().episodes == 0);
    cut.cut_episodes(nullptr);
    cut.check();
    CHECK(cut.num_eligible() == steps);
    CHECK(cut.stats().episodes == (steps > 0 ? 1 : 0));
    cut.cut_episodes(nullptr);  // no running episode: nothing changes
    CHECK(cut.state().rings[0].head == steps + 1);
    if (steps == 0) continue;
    CHECK(same(cut.state(), truncated.state()));
    CHECK(sampled(cut, 30) == sampled(truncated, 30));
    for (std::int64_t position = steps + 1; position < steps + 8; ++position) {
      add(cut, position, false);
      add(truncated, position, false);
    }
    CHECK(sampled(cut, 30) == sampled(truncated, 30));
    cut.check();
  }
}

TEST(a_restored_replay_continues_bit_for_bit) {
  for (const int clears_at : {-1, 90}) {
    const ReplayConfig config = config_with(1);
    ReplayConfig others = config_with(3);
    others.seed = 99;
    PrioritizedReplay original(config);
    Steps steps(config, 1);
    Random random(2);
    for (int step = 0; step < 170; ++step) {
      if (step == clears_at) original.clear();
      history(original, steps, random, 1, 20);
    }
    PrioritizedReplay restored(others);
    copy_into(original, restored);
    restored.check();
    CHECK(same(restored.state(), original.state()));
    for (std::int64_t env = 0; env < config.num_envs; ++env) CHECK(slots_of(restored, env) == slots_of(original, env));
    CHECK(restored.bytes() == original.bytes());

    ReplayConfig empty_config = config_with(2);
    empty_config.seed = 7;
    PrioritizedReplay swapped(empty_config);
    Steps own(config, 8);
    fill(swapped, own, 12);
    const ReplayState had = swapped.state();
    swapped.swap_contents(restored);
    CHECK(same(restored.state(), had));
    CHECK(same(swapped.state(), original.state()));
    restored.check();
    swapped.check();
    CHECK(swapped.config().num_threads == 2);

    Steps twin_steps = [&] {
      Steps twin(config, 1);
      for (int step = 0; step < 170; ++step) static_cast<void>(twin.next());
      return twin;
    }();
    Random again(3);
    Random twin_again(3);
    CHECK(history(swapped, twin_steps, twin_again, 120, 30) == history(original, steps, again, 120, 30));
    CHECK(same(swapped.state(), original.state()));
    swapped.check();
  }
}

TEST(check_finds_inconsistent_priorities_and_slots) {
  const ReplayConfig config = config_with(1);
  PrioritizedReplay original(config);
  Steps steps(config, 1);
  fill(original, steps, 130);
  const auto priorities = original.priorities();
  const auto some = [&](bool positive) {  // a leaf of environment 1
    const auto found = std::find_if(priorities.begin() + 100, priorities.end(),
                                    [=](double priority) { return (priority > 0) == positive; });
    return static_cast<std::size_t>(found - priorities.begin());
  };
  const auto found = [&](const char* part, auto&& spoil) {
    PrioritizedReplay restored(config);
    copy_into(original, restored, spoil);
    CHECK_THROWS(std::logic_error, part, restored.check());
  };
  found("but cannot be sampled", [&](ReplayState& state) { state.priorities[some(false)] = 0.5; });
  found("but can be sampled", [&](ReplayState& state) { state.priorities[some(true)] = 0; });
  found("agree with the running episode", [&](ReplayState& state) { state.rings[1].next_in_episode += 1; });

  PrioritizedReplay restored(config);
  copy_into(original, restored);
  Slots slots = slots_of(restored, 1);
  slots.in_episode[slots.rows / 2] += 3;
  const RingCounters ring = restored.state().rings[1];
  restored.write_slots(1, tail_of(restored, ring), ring.head, slots.source());
  CHECK_THROWS(std::logic_error, "environment 1: the slot at position", restored.check());
}

TEST(invalid_states_and_positions_are_refused) {
  const ReplayConfig config = config_with(1);
  PrioritizedReplay replay(config);
  Steps steps(config, 1);
  fill(replay, steps, 130);
  const ReplayState good = replay.state();
  const auto refused = [&](const char* part, auto&& spoil) {
    PrioritizedReplay fresh(config);
    const ReplayState before = fresh.state();
    ReplayState bad = good;
    spoil(bad);
    CHECK_THROWS(std::invalid_argument, part, fresh.restore(bad));
    CHECK(same(fresh.state(), before));
  };
  refused("the number of rings is 2", [](ReplayState& state) { state.rings.pop_back(); });
  refused("the number of priorities is 299", [](ReplayState& state) { state.priorities.pop_back(); });
  refused("max_priority is 0", [](ReplayState& state) { state.max_priority = 0; });
  refused("max_priority is nan", [](ReplayState& state) { state.max_priority = std::nan(""); });
  refused("stale_updates is -1", [](ReplayState& state) { state.stale_updates = -1; });
  refused("priorities[4] is -1", [](ReplayState& state) { state.priorities[4] = -1; });
  refused("head is -1", [](ReplayState& state) { state.rings[0].head = -1; });
  refused("head is -2", [](ReplayState& state) { state.rings[2].head = -2; });
  refused("small enough for 64-bit handles", [](ReplayState& state) { state.rings[1].head = std::int64_t{1} << 61; });

  PrioritizedReplay other(ReplayConfig{config});
  ReplayConfig longer = config;
  longer.frame_stack += 1;
  PrioritizedReplay other_shape(longer);
  CHECK_THROWS(std::invalid_argument, "other is this replay", other.swap_contents(other));
  CHECK_THROWS(std::invalid_argument, "other is a replay of another shape", other.swap_contents(other_shape));

  const std::int64_t head = good.rings[0].head;
  const std::int64_t tail = tail_of(replay, good.rings[0]);
  Slots slots(config, 1);
  CHECK_THROWS(std::out_of_range, "env is 3", replay.read_slots(3, 0, 1, slots.arrays()));
  CHECK_THROWS(std::out_of_range, "env is -1", replay.write_slots(-1, 0, 1, slots.source()));
  CHECK_THROWS(std::out_of_range, "positions of environment 0 are ",
               replay.read_slots(0, tail - 1, tail, slots.arrays()));
  CHECK_THROWS(std::out_of_range, "positions of environment 0 are ",
               replay.read_slots(0, head, head + 1, slots.arrays()));
  CHECK_THROWS(std::out_of_range, "positions of environment 0 are ",
               replay.write_slots(0, head - 1, head - 2, slots.source()));
}
