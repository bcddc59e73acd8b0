#include "replay/prioritized_replay.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "replay_states.hpp"
#include "replays.hpp"
#include "support/philox.hpp"

using namespace apexline;
using namespace apexline::test;

TEST(batches_do_not_depend_on_the_number_of_threads) {
  const auto alone = history(config_with(1), 250, 40);
  CHECK(alone.size() > 200);
  for (const int num_threads : {2, 5}) CHECK(history(config_with(num_threads), 250, 40) == alone);
}

TEST(streamed_batches_do_not_depend_on_the_number_of_threads) {
  const auto alone = history(wide_config_with(1), 25, 40);
  CHECK(alone.size() > 15);
  CHECK(history(wide_config_with(3), 25, 40) == alone);
}

TEST(batches_contain_the_steps_of_their_handles) {
  for (const Batch& batch : history(config_with(2), 150, 40)) CHECK(intact(config_with(2), batch));
  for (const Batch& batch : history(wide_config_with(2), 12, 40)) CHECK(intact(wide_config_with(2), batch));
}

// A stack's shift depends on row, batch, seed and the requested shift only.
TEST(shifts_are_those_of_their_random_stream) {
  const ReplayConfig config = config_with(1);
  const std::size_t frame_bytes = config.geometry.bytes();
  const FrameCopier copier(config.geometry, config.shift, Isa::kPortable);
  PrioritizedReplay replay(config);
  Steps steps(config, 1);
  fill(replay, steps, 50);
  for (std::uint64_t number = 0; number < 4; ++number) {
    const int most = number == 0 ? config.shift : static_cast<int>(number) - 1;
    const Batch batch = sampled(replay, 30, 0.5, most);
    const auto positions = values_of<std::int64_t>(batch.fields[1]);
    for (std::size_t row = 0; row < batch.rows; ++row) {
      const PhiloxBlock words = philox({config.seed, 1}, {row, number, 0, 0});
      const auto values = static_cast<std::uint32_t>(2 * most + 1);
      const auto offset = [&](std::size_t axis) { return static_cast<int>(below(words[axis], values)) - most; };
      const auto frame = frame_of(config, batch.indices[row] % config.capacity / 100, positions[row]);
      std::vector<std::byte> shifted(frame_bytes);
      copier.copy(frame.data(), 1, {offset(0), offset(1)}, shifted.data(), Store::kCached, frame.data());
      CHECK(std::memcmp(shifted.data(), &batch.obs[(row + 1) * batch.stack_bytes - frame_bytes], frame_bytes) == 0);
    }
  }
  CHECK(replay.state().batches == 4);
}

TEST(overwritten_handles_are_stale) {
  const ReplayConfig config = config_with(1);
  PrioritizedReplay replay(config);
  Steps steps(config, 1);
  fill(replay, steps, 20);
  const Batch old = sampled(replay, 30);
  const std::vector<double> errors(old.rows, 7.0);
  CHECK(replay.update_priorities(old.indices, errors) == 0);
  fill(replay, steps, 150);

  const auto before = replay.priorities();
  CHECK(replay.update_priorities(old.indices, errors) == 30);
  CHECK(replay.priorities() == before);
  CHECK(replay.stats().stale_updates == 30);
}

TEST(the_last_of_equal_handles_counts) {
  const ReplayConfig config = config_with(1);
  PrioritizedReplay replay(config);
  Steps steps(config, 1);
  fill(replay, steps, 20);
  const std::int64_t handle = sampled(replay, 1).indices[0];
  replay.update_priorities(std::vector(3, handle), std::vector<double>{9, 5, 1});
  const double priority = replay.priorities()[static_cast<std::size_t>(handle % config.capacity)];
  CHECK(priority == std::pow(1 + config.epsilon, config.alpha));
  CHECK(replay.max_priority() == std::pow(9 + config.epsilon, config.alpha));
}

TEST(clear_removes_everything) {
  const ReplayConfig config = config_with(1);
  PrioritizedReplay replay(config);
  Steps steps(config, 1);
  fill(replay, steps, 150);
  Batch batch = sampled(replay, 8);
  const std::vector<double> errors(batch.rows, 7.0);
  replay.update_priorities(batch.indices, errors);
  CHECK(replay.max_priority() > 1);

  replay.clear();
  CHECK(replay.num_eligible() == 0);
  CHECK(replay.max_priority() == 1);
  CHECK(positive_priorities(replay) == 0);
  CHECK(replay.stats().episodes == 0);
  CHECK(replay.stats().evicted == 0);
  CHECK(replay.update_priorities(batch.indices, errors) == 8);
  CHECK_THROWS(std::invalid_argument, "no transition can be sampled yet", replay.draw(0.4, 0, batch.arrays()));
  replay.check();
  fill(replay, steps, 150);
  replay.check();
}

TEST(invalid_updates_are_named_and_change_nothing) {
  const ReplayConfig config = config_with(1);
  PrioritizedReplay replay(config);
  Steps steps(config, 1);
  fill(replay, steps, 50);
  Batch batch = sampled(replay, 2);
  const ReplayState before = replay.state();
  const std::vector<double> errors{9, std::nan("")};

  CHECK_THROWS(std::invalid_argument, "td_errors[1] is nan", replay.update_priorities(batch.indices, errors));
  batch.indices[0] = -1;
  CHECK_THROWS(std::out_of_range, "indices[0] is -1", replay.update_priorities(batch.indices, std::vector<double>(2)));
  batch.indices[0] = 300 * 1000;
  CHECK_THROWS(std::out_of_range, "indices[0] is 300000",
               replay.update_priorities(batch.indices, std::vector<double>(2)));
  CHECK_THROWS(std::invalid_argument, "beta is 1.5", replay.draw(1.5, 0, batch.arrays()));
  CHECK_THROWS(std::invalid_argument, "beta is nan", replay.draw(std::nan(""), 0, batch.arrays()));
  CHECK_THROWS(std::invalid_argument, "shift is -1; expected from 0 to the replay's shift, 2",
               replay.draw(0.5, -1, batch.arrays()));
  CHECK_THROWS(std::invalid_argument, "shift is 3", replay.draw(0.5, 3, batch.arrays()));
  CHECK(same(replay.state(), before));
}

TEST(rewards_and_actions_that_are_not_finite_are_refused_and_change_nothing) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  const ReplayConfig config = config_with(1);
  PrioritizedReplay replay(config);
  Steps steps(config, 1);
  fill(replay, steps, 20);
  const ReplayState before = replay.state();
  StepBatch batch = steps.next();
  const bool all[] = {true, true, true};
  const bool but_the_last[] = {true, true, false};
  const bool ends[] = {false, true, false};
  batch.mask = all;

  const float rewards[] = {0, 0, inf};
  StepBatch bad = batch;
  bad.rewards = rewards;
  CHECK_THROWS(std::invalid_argument, "rewards[2] is inf", replay.add(bad));
  const float actions[] = {0, 0, 0, 0, 0, std::nanf("")};
  bad = batch;
  bad.fields[0] = reinterpret_cast<const std::byte*>(actions);
  CHECK_THROWS(std::invalid_argument, "actions[2].flat[1] is nan", replay.add(bad));
  bad = batch;
  bad.truncated = ends;
  bad.final_frames = nullptr;
  CHECK_THROWS(std::invalid_argument, "truncated[1] is true and final_frames is None", replay.add(bad));
  CHECK(same(replay.state(), before));

  bad = batch;  // masked environments are not checked
  bad.rewards = rewards;
  bad.fields[0] = reinterpret_cast<const std::byte*>(actions);
  bad.mask = but_the_last;
  replay.add(bad);
  replay.check();
}

TEST(half_actions_that_are_not_finite_are_refused) {
  ReplayConfig config = config_with(1);
  config.num_envs = 1;
  config.action_number = Number::kFloat16;
  config.field_bytes = {4};
  PrioritizedReplay replay(config);
  const std::vector<std::byte> frame(config.geometry.bytes());
  const float reward = 0;
  const bool no = false;
  const auto add = [&](unsigned second) {
    const std::uint16_t action[] = {0x3C00, static_cast<std::uint16_t>(second)};
    replay.add({frame.data(), {reinterpret_cast<const std::byte*>(action)}, &reward, &no, &no, nullptr, nullptr});
  };
  CHECK_THROWS(std::invalid_argument, "actions[0].flat[1] is nan", add(0x7E00));
  CHECK_THROWS(std::invalid_argument, "actions[0].flat[1] is inf", add(0x7C00));
  CHECK_THROWS(std::invalid_argument, "actions[0].flat[1] is -inf", add(0xFC00));
  CHECK(replay.state().rings[0].head == 0);
  add(0x7BFF);
  CHECK(replay.state().rings[0].head == 1);
}

TEST(an_invalid_configuration_names_its_field) {
  const auto refused = [](const char* part, auto&& spoil) {
    ReplayConfig config = config_with(1);
    spoil(config);
    CHECK_THROWS(std::invalid_argument, part, PrioritizedReplay(config));
  };
  refused("capacity is 17", [](ReplayConfig& c) { c.capacity = 17; });
  refused("num_envs is 0", [](ReplayConfig& c) { c.num_envs = 0; });
  refused("frame_stack is 0", [](ReplayConfig& c) { c.frame_stack = 0; });
  refused("n_step is 0", [](ReplayConfig& c) { c.n_step = 0; });
  refused("gamma is 1.5", [](ReplayConfig& c) { c.gamma = 1.5; });
  refused("alpha is nan", [](ReplayConfig& c) { c.alpha = std::nan(""); });
  refused("beta is -1", [](ReplayConfig& c) { c.beta = -1; });
  refused("epsilon is 0", [](ReplayConfig& c) { c.epsilon = 0; });
  refused("shift is 4", [](ReplayConfig& c) { c.shift = 4; });
  refused("shift is -1", [](ReplayConfig& c) { c.shift = -1; });
  refused("num_threads is 0", [](ReplayConfig& c) { c.num_threads = 0; });
}

TEST(capacity_is_rounded_down_to_a_multiple_of_num_envs) {
  ReplayConfig config = config_with(1);
  config.capacity = 302;
  CHECK(PrioritizedReplay(config).config().capacity == 300);
}

// Two replays, one of which gathers each draw immediately, the other all draws in reverse order after updates, a clear and
// as many adds as overwrite nothing.
TEST(a_draw_gathered_later_equals_one_gathered_immediately) {
  for (const bool clears : {false, true})
    for (const auto& [config, count] : {std::pair{config_with(2), 80}, {wide_config_with(2), 12}}) {
      PrioritizedReplay at_once(config);
      PrioritizedReplay later(config);
      Steps steps(config, 1);
      Random random(2);
      const auto head = [&] { return std::ranges::max(at_once.state().rings, {}, &RingCounters::head).head; };
      const auto add = [&] {
        const StepBatch batch = steps.next();
        at_once.add(batch);
        later.add(batch);
      };
      while (head() < 95) add();  // so that the rest wraps around the end of the ring
      at_once.clear();
      later.clear();
      const std::int64_t first = head();
      while (at_once.num_eligible() == 0) add();
      std::vector<Batch> expected;
      std::vector<std::unique_ptr<Batch>> batches;
      std::vector<PrioritizedReplay::Draw> draws;
      while (head() < first + count) {
        expected.push_back(sampled(at_once, 1 + random.below(30)));
        batches.push_back(std::make_unique<Batch>(config, static_cast<std::int64_t>(expected.back().rows)));
        draws.push_back(later.draw(0.5, later.config().shift, batches.back()->arrays()));
        const auto errors = random_errors(random, expected.back().rows);
        at_once.update_priorities(expected.back().indices, errors);
        later.update_priorities(batches.back()->indices, errors);
        add();
      }
      if (clears) later.clear();
      for (std::size_t i = draws.size(); i-- > 0;) {
        later.gather(draws[i], batches[i]->arrays());
        CHECK(*batches[i] == expected[i]);
      }
      CHECK(clears || same(at_once.state(), later.state()));
    }
}

TEST(a_draw_may_be_gathered_more_than_once_and_moved) {
  const ReplayConfig config = config_with(1);
  PrioritizedReplay replay(config);
  Steps steps(config, 1);
  fill(replay, steps, 50);
  Batch batch(config, 20);
  PrioritizedReplay::Draw draw = replay.draw(0.4, 0, batch.arrays());
  replay.gather(draw, batch.arrays());
  const Batch first = batch;
  const PrioritizedReplay::Draw moved = std::move(draw);
  std::ranges::fill(batch.obs, std::byte{0});
  replay.gather(moved, batch.arrays());
  CHECK(batch == first);
}

TEST(stats_and_bytes_follow_the_contents) {
  FullRing full;
  CHECK(full.replay->bytes() == 0);
  for (int step = 0; step < 9; ++step) full.add();
  full.add(true);
  ReplayStats stats = full.replay->stats();
  CHECK(stats.size == 10);
  CHECK(stats.episodes == 1);
  CHECK(stats.evicted == 0);
  CHECK(std::abs(stats.effective_sample_size - 10) < 1e-9);
  CHECK(full.replay->bytes() == static_cast<std::size_t>(std::ceil(11 * full.replay->bytes_per_slot())));
  for (int step = 0; step < 40; ++step) full.add();
  stats = full.replay->stats();
  CHECK(stats.evicted == 10);
  CHECK(full.replay->bytes() == static_cast<std::size_t>(std::ceil(40 * full.replay->bytes_per_slot())));
}
