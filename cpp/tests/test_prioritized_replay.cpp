#include "replay/prioritized_replay.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "check.hpp"
#include "forked.hpp"
#include "replay/prefetcher.hpp"
#include "replays.hpp"
#include "support/philox.hpp"

using namespace apexline;
using namespace apexline::test;

namespace {

void fill(PrioritizedReplay& replay, Steps& steps, int count) {
  for (int step = 0; step < count; ++step) replay.add(steps.next());
}

std::int64_t positive_priorities(const PrioritizedReplay& replay) {
  const auto priorities = replay.priorities();
  return std::ranges::count_if(priorities, [](double priority) { return priority > 0; });
}

bool same(const RingCounters& a, const RingCounters& b) {
  return a.head == b.head && a.first == b.first && a.next_in_episode == b.next_in_episode && a.episodes == b.episodes &&
         a.evicted == b.evicted;
}

bool same(const ReplayState& a, const ReplayState& b) {
  return a.seed == b.seed && a.draws == b.draws && a.batches == b.batches && a.stale_updates == b.stale_updates &&
         a.max_priority == b.max_priority && a.priorities == b.priorities &&
         std::ranges::equal(a.rings, b.rings, [](const auto& x, const auto& y) { return same(x, y); });
}

// Slots of one environment.
struct Slots {
  Slots(const ReplayConfig& config, std::int64_t count)
      : rows(static_cast<std::size_t>(count)),
        frames(rows * config.geometry.bytes()),
        rewards(rows),
        in_episode(rows),
        flags(rows) {
    for (const std::size_t bytes : config.field_bytes) fields.emplace_back(rows * bytes);
  }
  SlotArrays arrays() {
    SlotArrays out{frames.data(), {}, rewards.data(), in_episode.data(), flags.data()};
    for (auto& field : fields) out.fields.push_back(field.data());
    return out;
  }
  SlotSource source() const {
    SlotSource from{frames.data(), {}, rewards.data(), in_episode.data(), flags.data()};
    for (const auto& field : fields) from.fields.push_back(field.data());
    return from;
  }
  bool operator==(const Slots&) const = default;

  std::size_t rows;
  std::vector<std::byte> frames;
  std::vector<std::vector<std::byte>> fields;
  std::vector<float> rewards;
  std::vector<std::uint32_t> in_episode;
  std::vector<std::uint8_t> flags;
};

std::int64_t tail_of(const PrioritizedReplay& replay, const RingCounters& ring) {
  return std::max(ring.first, ring.head - replay.config().capacity / replay.config().num_envs);
}

Slots slots_of(const PrioritizedReplay& replay, std::int64_t env) {
  const RingCounters counters = replay.state().rings[static_cast<std::size_t>(env)];
  const std::int64_t tail = tail_of(replay, counters);
  Slots slots(replay.config(), counters.head - tail);
  replay.read_slots(env, tail, counters.head, slots.arrays());
  return slots;
}

// Copies a replay's state and slots, a few at a time, into a new replay; `spoil` may change the state.
template <class Spoil>
void copy_into(const PrioritizedReplay& from, PrioritizedReplay& to, const Spoil& spoil) {
  constexpr std::int64_t piece = 17;
  ReplayState state = from.state();
  spoil(state);
  to.restore(state);
  for (std::int64_t env = 0; env < from.config().num_envs; ++env) {
    const RingCounters counters = from.state().rings[static_cast<std::size_t>(env)];
    for (std::int64_t begin = tail_of(from, counters); begin < counters.head; begin += piece) {
      const std::int64_t end = std::min(begin + piece, counters.head);
      Slots slots(from.config(), end - begin);
      from.read_slots(env, begin, end, slots.arrays());
      to.write_slots(env, begin, end, slots.source());
    }
  }
}

void copy_into(const PrioritizedReplay& from, PrioritizedReplay& to) {
  copy_into(from, to, [](ReplayState&) {});
}

template <class T>
std::vector<T> values_of(const std::vector<std::byte>& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// Whether each row's frames and fields belong to the step of its handle.
bool whole(const ReplayConfig& config, const Batch& batch) {
  const std::int64_t slots = config.capacity / config.num_envs;
  const std::size_t frame_bytes = config.geometry.bytes();
  const auto positions = values_of<std::int64_t>(batch.fields[1]);
  for (std::size_t row = 0; row < batch.rows; ++row) {
    const std::int64_t leaf = batch.indices[row] % config.capacity;
    const std::int64_t env = leaf / slots;
    const std::int64_t position = batch.indices[row] / config.capacity * slots + leaf % slots;
    if (positions[row] != position) return false;
    const std::byte* stack = &batch.obs[row * batch.stack_bytes];
    const std::byte* next = &batch.next_obs[row * batch.stack_bytes];
    const std::byte newest = mark(env, position);
    if ((stack[batch.stack_bytes - 1] & std::byte{0xF8}) != newest) return false;
    for (std::size_t frame = 0; frame < batch.stack_bytes; frame += frame_bytes)
      if (!of_one_step(stack + frame, frame_bytes) || !of_one_step(next + frame, frame_bytes)) return false;
  }
  return true;
}

}  // namespace

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
  for (const Batch& batch : history(config_with(2), 150, 40)) CHECK(whole(config_with(2), batch));
  for (const Batch& batch : history(wide_config_with(2), 12, 40)) CHECK(whole(wide_config_with(2), batch));
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
  const bool goes_on = false;
  const auto add = [&](unsigned second) {
    const std::uint16_t action[] = {0x3C00, static_cast<std::uint16_t>(second)};
    replay.add(
        {frame.data(), {reinterpret_cast<const std::byte*>(action)}, &reward, &goes_on, &goes_on, nullptr, nullptr});
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

namespace {

// A ring buffer of 40 slots with equal priorities; a draw of twice the number of starts contains each of them.
struct FullRing {
  FullRing() : config(config_with(1)) {
    config.num_envs = 1;
    config.capacity = 40;
    config.n_step = 1;
    replay = std::make_unique<PrioritizedReplay>(config);
  }
  void add(bool ends = false) {
    const auto position = replay->state().rings[0].head;
    const std::vector<std::byte> frame = frame_of(config, 0, position);
    const std::vector<std::byte> action(kActionBytes);
    const std::vector<std::byte> bit(1);
    const float reward = 1;
    const bool goes_on = false;
    replay->add({frame.data(),
                 {action.data(), reinterpret_cast<const std::byte*>(&position), bit.data()},
                 &reward,
                 &ends,
                 &goes_on,
                 frame.data(),
                 nullptr});
  }

  ReplayConfig config;
  std::unique_ptr<PrioritizedReplay> replay;
};

// Runs `body` in another thread.
class Beside {
 public:
  template <class Body>
  explicit Beside(Body body) : thread_([this, body] { body(), through_ = true; }) {}
  ~Beside() { thread_.join(); }
  bool through() const { return through_; }
  // Time enough for a call that does not wait. Proves nothing about one that does, so a slow machine fails no test.
  bool through_in_a_while() const {
    for (int look = 0; look < 30 && !through_; ++look) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return through_;
  }

 private:
  std::atomic<bool> through_ = false;
  std::thread thread_;
};

}  // namespace

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
      const Beside add([&] { full.add(ends); });
      CHECK(!add.through_in_a_while());
      CHECK(full.replay->state().rings[0].head == 57);
      full.replay->gather(*draw, batch.arrays());
      CHECK(batch == expected);
      CHECK(!add.through());
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
      const Beside add([&] { full.add(ends); });
      CHECK(!add.through_in_a_while());
      full.replay->gather(*draw, batch.arrays());
      CHECK(whole(full.config, batch));
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
      const bool goes_on = false;
      replay.add({frame.data(),
                  {fields.data(), reinterpret_cast<const std::byte*>(&position), fields.data()},
                  &reward,
                  &goes_on,
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
    const Beside cut([&] { full.replay->cut_episodes(nullptr); });
    CHECK(!cut.through_in_a_while());
    full.replay->gather(*draw, batch.arrays());
    CHECK(batch == expected);
    draw.reset();
  }
  CHECK(full.replay->stats().episodes == 1);
  full.replay->check();
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

TEST(swap_contents_waits_for_reads) {
  FullRing full;
  FullRing other;
  for (int step = 0; step < 30; ++step) full.add();
  Batch batch(full.config, 20);
  auto draw = std::make_unique<PrioritizedReplay::Draw>(full.replay->draw(0.5, kShift, batch.arrays()));
  {
    const Beside swap([&] { full.replay->swap_contents(*other.replay); });
    CHECK(!swap.through_in_a_while());
    full.replay->gather(*draw, batch.arrays());
    CHECK(whole(full.config, batch));
    draw.reset();
  }
  CHECK(full.replay->num_eligible() == 0);
  CHECK(other.replay->num_eligible() > 0);
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
    for (int round = 0; round < 120; ++round) bad += whole(config, sampled(*replay, 16)) ? 0 : 1;
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
      bad += whole(config, batches.front()) ? 0 : 1;
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
    return whole(config, sampled(replay, 30));
  }));
  replay.gather(*draw, batch.arrays());
  CHECK(whole(config, batch));
}
#endif
