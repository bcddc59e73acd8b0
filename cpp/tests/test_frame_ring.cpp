#include "replay/frame_ring.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.hpp"
#include "random.hpp"

using namespace apexline;
using apexline::test::Random;

namespace {

// One step in the definition of eligibility. Frame numbers are positions: each frame is unique.
struct ModelStep {
  std::int64_t position;
  float reward;
  StepEnd end;
};

// A ring, and lists of all episodes as its model.
class CheckedRing {
 public:
  CheckedRing(std::int64_t slots, int frame_stack, int n_step)
      : slots_(slots),
        frame_stack_(frame_stack),
        n_step_(n_step),
        ring_({slots, sizeof(std::int64_t), sizeof(std::int64_t), frame_stack, n_step}) {}

  void step(StepEnd end) {
    const std::int64_t position = ring_.head();
    const float reward = static_cast<float>(position) + 0.5F;
    if (episodes_.empty() || ended(episodes_.back())) episodes_.emplace_back();
    episodes_.back().push_back({position, reward, end});
    const std::int64_t slots = end.any() ? 2 : 1;
    const std::int64_t overwritten = ring_.overwritten_by(slots);
    std::vector<EligibilityChange> changes;
    ring_.append_step(bytes(position), reward, end, changes);
    const std::int64_t record = -position;
    std::memcpy(ring_.record(position), &record, sizeof(record));
    if (end.any()) ring_.append_final(bytes(position + 1), changes);
    apply(changes);
    CHECK(ring_.head() == position + slots);
    CHECK(ring_.tail() == std::max(overwritten + 1, cleared_at_));
  }

  // The last step of the running episode becomes its final frame.
  void cut() {
    std::vector<EligibilityChange> changes;
    const std::int64_t head = ring_.head();
    ring_.cut_episode(changes);
    CHECK(ring_.head() == head);
    if (!episodes_.empty() && !ended(episodes_.back())) {
      episodes_.back().pop_back();
      if (episodes_.back().empty())
        episodes_.pop_back();
      else
        episodes_.back().back().end.truncated = true;
    }
    apply(changes);
  }

  int stacks_around_the_end() const { return around_the_end_; }

  void clear() {
    cleared_at_ = ring_.head();
    ring_.clear();
    episodes_.clear();
    reported_.clear();
  }

  void check() const {
    const std::int64_t oldest = std::max(ring_.head() - slots_, cleared_at_);
    CHECK(ring_.tail() == oldest);
    ring_.check();
    check_counters(oldest);
    std::set<std::int64_t> eligible;
    for (const auto& episode : episodes_)
      for (std::size_t start = 0; start < episode.size(); ++start)
        if (stack_of(episode, start).front() >= oldest && return_is_known(episode, start)) {
          eligible.insert(episode[start].position);
          check_contents(episode, start);
        }
    CHECK(reported_ == eligible);
    for (std::int64_t position = oldest; position < ring_.head(); ++position) {
      CHECK(ring_.eligible(position) == eligible.contains(position));
      CHECK(ring_.newest_in(ring_.slot(position)) == position);
      if (ring_.header(position).final_frame) CHECK(record_of(position) == 0);
    }
  }

 private:
  using Episode = std::vector<ModelStep>;

  void apply(const std::vector<EligibilityChange>& changes) {
    for (const auto& change : changes) {
      CHECK(reported_.contains(change.position) != change.eligible);
      if (change.eligible)
        reported_.insert(change.position);
      else
        reported_.erase(change.position);
    }
  }

  static bool ended(const Episode& episode) { return episode.back().end.any(); }

  static const std::byte* bytes(const std::int64_t& number) { return reinterpret_cast<const std::byte*>(&number); }

  std::vector<std::int64_t> stack_of(const Episode& episode, std::size_t step) const {
    std::vector<std::int64_t> numbers;
    for (int back = frame_stack_ - 1; back >= 0; --back) {
      const std::int64_t in_episode = std::max<std::int64_t>(0, static_cast<std::int64_t>(step) - back);
      numbers.push_back(episode.front().position + in_episode);
    }
    return numbers;
  }

  bool return_is_known(const Episode& episode, std::size_t start) const {
    return ended(episode) || start + static_cast<std::size_t>(n_step_) < episode.size();
  }

  void check_counters(std::int64_t oldest) const {
    RingCounters expected{.head = ring_.head(), .first = cleared_at_};
    for (const auto& episode : episodes_) {
      expected.episodes += ended(episode) ? 1 : 0;
      expected.next_in_episode = ended(episode) ? 0 : static_cast<std::int64_t>(episode.size());
      for (const ModelStep& step : episode) expected.evicted += step.position < oldest ? 1 : 0;
    }
    const RingCounters& counters = ring_.counters();
    CHECK(counters.head == expected.head);
    CHECK(counters.first == expected.first);
    CHECK(counters.next_in_episode == expected.next_in_episode);
    CHECK(counters.episodes == expected.episodes);
    CHECK(counters.evicted == expected.evicted);
  }

  std::vector<std::int64_t> ring_stack(std::int64_t position) const {
    const Stack stack = ring_.stack(position);
    const auto& [first, second] = stack.runs;
    CHECK(stack.repeats + first.count + second.count == static_cast<std::size_t>(frame_stack_));
    CHECK(first.count > 0);
    if (second.count > 0) {
      CHECK(first.frames + first.count * sizeof(std::int64_t) == ring_.frame(slots_ - 1) + sizeof(std::int64_t));
      CHECK(second.frames == ring_.frame(0));
      ++around_the_end_;
    }
    std::vector<std::int64_t> numbers;
    for (const FrameRun& run : stack.runs)
      for (std::size_t i = 0; i < run.count; ++i) {
        std::int64_t number;
        std::memcpy(&number, run.frames + i * sizeof(number), sizeof(number));
        if (numbers.empty()) numbers.assign(stack.repeats, number);
        numbers.push_back(number);
      }
    return numbers;
  }

  std::int64_t record_of(std::int64_t position) const {
    std::int64_t record;
    std::memcpy(&record, ring_.record(position), sizeof(record));
    return record;
  }

  void check_contents(const Episode& episode, std::size_t start) const {
    constexpr double gamma = 0.5;  // a power of two: sums are exact
    double reward = 0;
    double discount = 1;
    std::size_t step = start;
    for (; step < episode.size() && step < start + static_cast<std::size_t>(n_step_); ++step) {
      reward += discount * static_cast<double>(episode[step].reward);
      discount *= episode[step].end.terminated ? 0 : gamma;
    }
    const std::int64_t position = episode[start].position;
    const NStepReturn n_step = ring_.n_step_return(position, gamma);
    CHECK(n_step.reward == reward);
    CHECK(n_step.discount == discount);
    CHECK(n_step.next == episode.front().position + static_cast<std::int64_t>(step));
    CHECK(ring_stack(position) == stack_of(episode, start));
    CHECK(ring_stack(n_step.next) == stack_of(episode, step));
    CHECK(record_of(position) == -position);
  }

  std::int64_t slots_;
  int frame_stack_;
  int n_step_;
  FrameRing ring_;
  std::int64_t cleared_at_ = 0;
  std::vector<Episode> episodes_;
  std::set<std::int64_t> reported_;
  mutable int around_the_end_ = 0;
};

constexpr FrameRingShape kShape{10, 8, 4, 3, 2};

// Steps and final frames: '.' is a step, 't' a step that ends its episode.
FrameRing ring_of(const std::string& steps, const FrameRingShape& shape = kShape) {
  FrameRing ring(shape);
  const std::vector<std::byte> frame(shape.frame_bytes);
  std::vector<EligibilityChange> changes;
  for (const char step : steps) {
    ring.append_step(frame.data(), 1.0F, {step == 't', false}, changes);
    if (step == 't') ring.append_final(frame.data(), changes);
  }
  return ring;
}

}  // namespace

TEST(eligibility_and_contents_equal_the_definition) {
  for (int frame_stack = 1; frame_stack <= 4; ++frame_stack)
    for (int n_step = 1; n_step <= 5; ++n_step)
      for (const int spare : {0, 1, 7})
        for (const double end_chance : {0.0, 0.1, 0.5}) {
          Random random(static_cast<std::uint64_t>(frame_stack * 100 + n_step * 10 + spare));
          CheckedRing checked(frame_stack + n_step + spare, frame_stack, n_step);
          for (int step = 0; step < 120; ++step) {
            if (random.chance(0.02)) checked.clear();
            if (random.chance(0.05)) checked.cut();
            const bool terminated = random.chance(end_chance / 2);
            const bool truncated = random.chance(end_chance / 2);
            checked.step({terminated, truncated});
            checked.check();
          }
          CHECK(frame_stack == 1 || end_chance == 0.5 || checked.stacks_around_the_end() > 0);
        }
}

TEST(a_cleared_ring_has_no_eligible_start) {
  CheckedRing checked(6, 2, 1);
  for (int step = 0; step < 20; ++step) checked.step({});
  checked.clear();
  checked.check();
  checked.step({});
  checked.check();
}

TEST(a_restored_ring_equals_the_original) {
  const FrameRing from = ring_of("..t......t..");
  FrameRing ring(kShape);
  ring.restore(from.counters());
  for (std::int64_t position = from.tail(); position < from.head(); ++position)
    ring.header(position) = from.header(position);
  ring.check();
  CHECK(ring.head() == from.head());
  CHECK(ring.tail() == from.tail());
  for (std::int64_t position = from.tail() - 1; position <= from.head(); ++position)
    CHECK(ring.eligible(position) == from.eligible(position));
}

TEST(invalid_counters_are_refused_and_change_nothing) {
  const RingCounters good{.head = 30, .first = 10, .next_in_episode = 20, .episodes = 10, .evicted = 10};
  FrameRing ring(kShape);
  ring.restore(good);
  const auto refused = [&](const char* part, auto&& spoil) {
    RingCounters bad = good;
    spoil(bad);
    CHECK_THROWS(std::invalid_argument, part, ring.restore(bad));
    CHECK(ring.head() == good.head);
    CHECK(ring.counters().next_in_episode == good.next_in_episode);
  };
  refused("head is -1", [](RingCounters& bad) { bad.head = -1; });
  refused("head is 4611686018427387904", [](RingCounters& bad) { bad.head = std::int64_t{1} << 62; });
  refused("first is -1", [](RingCounters& bad) { bad.first = -1; });
  refused("first is 31, larger than head 30", [](RingCounters& bad) { bad.first = 31; });
  refused("next_in_episode is -1", [](RingCounters& bad) { bad.next_in_episode = -1; });
  refused("next_in_episode is 21", [](RingCounters& bad) { bad.next_in_episode = 21; });
  refused("episodes is -1", [](RingCounters& bad) { bad.episodes = -1; });
  refused("episodes is 11", [](RingCounters& bad) { bad.episodes = 11; });
  refused("evicted is -1, less than 0", [](RingCounters& bad) { bad.evicted = -1; });
  refused("evicted is 11", [](RingCounters& bad) { bad.evicted = 11; });
}

// Positions 0 1 2 3* 4 5*, * final.
TEST(check_names_the_first_inconsistent_slot) {
  const auto found = [](const char* part, auto&& spoil) {
    FrameRing ring = ring_of("..tt..");
    ring.check();
    spoil(ring);
    CHECK_THROWS(std::logic_error, part, ring.check());
  };
  found("position 2 must follow the step before it", [](FrameRing& ring) { ring.header(2).in_episode = 7; });
  found("position 4 must follow the step before it", [](FrameRing& ring) { ring.header(4).in_episode = 4; });
  found("position 3 must follow the step before it", [](FrameRing& ring) { ring.header(3).in_episode = 2; });
  found("position 0 must begin an episode", [](FrameRing& ring) { ring.header(0).in_episode = 1; });
  found("position 3 must be a final frame", [](FrameRing& ring) { ring.header(3).final_frame = false; });
  found("position 2 must be a final frame", [](FrameRing& ring) {
    ring.header(2).final_frame = true;
    ring.header(2).end = {};
  });
  found("position 1 must be a final frame", [](FrameRing& ring) { ring.header(0).end.truncated = true; });
  found("position 3 must be a final frame", [](FrameRing& ring) { ring.header(2).end = {}; });
  found("position 2 must not be both", [](FrameRing& ring) { ring.header(2).final_frame = true; });
  found("position 1 must follow the step before it", [](FrameRing& ring) { ring.header(0).final_frame = true; });
  found("position 7 must be followed by its final frame",
        [](FrameRing& ring) { ring.header(7).end.terminated = true; });
  found("position 7 must agree with the running episode", [](FrameRing& ring) {
    RingCounters counters = ring.counters();
    counters.next_in_episode = 1;
    ring.restore(counters);
  });
  found("position 2 must follow", [](FrameRing& ring) {
    ring.header(6).in_episode = 9;
    ring.header(2).in_episode = 9;
  });
}

TEST(check_covers_stored_slots_only_across_the_wrap) {
  FrameRing ring = ring_of("...............");
  ring.check();
  const SlotHeader kept = ring.header(10);
  ring.header(10).in_episode = 3;  // in slot 0
  CHECK_THROWS(std::logic_error, "position 10 must follow", ring.check());
  ring.header(10) = kept;
  ring.header(ring.tail()).in_episode = 100;
  CHECK_THROWS(std::logic_error, "position 6 must follow", ring.check());
}

// Frames contain their position. A cut episode equals one whose last frame was added as final frame.
TEST(a_cut_episode_equals_one_that_ended_a_step_before) {
  for (int length = 0; length <= 12; ++length) {
    FrameRing cut = ring_of("..t" + std::string(static_cast<std::size_t>(length), '.'));
    std::vector<EligibilityChange> changes;
    std::vector<std::int64_t> before;
    for (std::int64_t position = cut.tail(); position < cut.head(); ++position)
      if (cut.eligible(position)) before.push_back(position);
    cut.cut_episode(changes);
    cut.check();
    for (const auto& [position, eligible] : changes) {
      CHECK(eligible);
      CHECK(std::ranges::find(before, position) == before.end());
      before.push_back(position);
    }
    for (std::int64_t position = cut.tail(); position < cut.head(); ++position)
      CHECK(cut.eligible(position) == (std::ranges::find(before, position) != before.end()));
    if (length < 2) continue;
    const FrameRing truncated = ring_of("..t" + std::string(static_cast<std::size_t>(length - 2), '.') + "t");
    CHECK(cut.head() == truncated.head());
    CHECK(cut.counters().episodes == truncated.counters().episodes);
    for (std::int64_t position = cut.tail(); position < cut.head(); ++position) {
      CHECK(cut.eligible(position) == truncated.eligible(position));
      CHECK(cut.header(position).end.any() == truncated.header(position).end.any());
      CHECK(cut.header(position).final_frame == truncated.header(position).final_frame);
    }
    changes.clear();
    cut.cut_episode(changes);
    CHECK(changes.empty());
  }
}
