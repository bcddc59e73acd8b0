#include "apexline/replay/frame_ring.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include "check.hpp"
#include "random.hpp"

using namespace apexline;
using apexline::test::Random;

namespace {

// One decision as the definition of eligibility sees it. Frame numbers are positions: each frame is unique.
struct Decision {
  std::int64_t position;
  float reward;
  StepEnd end;
};

// Whole episodes in lists, none of them ever forgotten, next to the ring that forgets.
class Lane {
 public:
  Lane(std::int64_t slots, int frame_stack, int n_step)
      : slots_(slots), frame_stack_(frame_stack), n_step_(n_step),
        ring_({slots, sizeof(std::int64_t), 1, frame_stack, n_step}) {}

  void decide(StepEnd end) {
    const std::int64_t position = ring_.head();
    const float reward = static_cast<float>(position) + 0.5F;
    if (episodes_.empty() || ended(episodes_.back())) episodes_.emplace_back();
    episodes_.back().push_back({position, reward, end});
    std::vector<EligibilityChange> changes;
    const auto action = static_cast<float>(-position);
    ring_.append_decision(bytes(position), &action, reward, end, changes);
    if (end.any()) ring_.append_final(bytes(position + 1), changes);
    for (const auto& change : changes) {
      CHECK(reported_.contains(change.position) != change.eligible);
      if (change.eligible)
        reported_.insert(change.position);
      else
        reported_.erase(change.position);
    }
  }

  void clear() {
    cleared_at_ = ring_.head();
    ring_.clear();
    episodes_.clear();
    reported_.clear();
  }

  void check() const {
    const std::int64_t oldest = std::max(ring_.head() - slots_, cleared_at_);
    CHECK(ring_.tail() == oldest);
    std::set<std::int64_t> eligible;
    for (const auto& episode : episodes_)
      for (std::size_t start = 0; start < episode.size(); ++start)
        if (stack_of(episode, start).front() >= oldest && window_is_known(episode, start)) {
          eligible.insert(episode[start].position);
          check_contents(episode, start);
        }
    CHECK(reported_ == eligible);
    for (std::int64_t position = oldest; position < ring_.head(); ++position) {
      CHECK(ring_.eligible(position) == eligible.contains(position));
      CHECK(ring_.newest_in(ring_.slot(position)) == position);
    }
  }

 private:
  using Episode = std::vector<Decision>;

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

  bool window_is_known(const Episode& episode, std::size_t start) const {
    return ended(episode) || start + static_cast<std::size_t>(n_step_) < episode.size();
  }

  std::vector<std::int64_t> ring_stack(std::int64_t position) const {
    std::vector<const std::byte*> frames(static_cast<std::size_t>(frame_stack_));
    ring_.stack(position, frames);
    std::vector<std::int64_t> numbers(frames.size());
    for (std::size_t i = 0; i < frames.size(); ++i) std::memcpy(&numbers[i], frames[i], sizeof(std::int64_t));
    return numbers;
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
    const Window window = ring_.window(position, gamma);
    CHECK(window.reward == reward);
    CHECK(window.discount == discount);
    CHECK(window.next == episode.front().position + static_cast<std::int64_t>(step));
    CHECK(ring_stack(position) == stack_of(episode, start));
    CHECK(ring_stack(window.next) == stack_of(episode, step));
    CHECK(*ring_.action(position) == static_cast<float>(-position));
  }

  std::int64_t slots_;
  int frame_stack_;
  int n_step_;
  FrameRing ring_;
  std::int64_t cleared_at_ = 0;
  std::vector<Episode> episodes_;
  std::set<std::int64_t> reported_;
};

}  // namespace

TEST(eligibility_and_contents_equal_the_definition) {
  for (int frame_stack = 1; frame_stack <= 4; ++frame_stack)
    for (int n_step = 1; n_step <= 5; ++n_step)
      for (const int spare : {0, 1, 7})
        for (const double end_chance : {0.0, 0.1, 0.5}) {
          Random random(static_cast<std::uint64_t>(frame_stack * 100 + n_step * 10 + spare));
          Lane lane(frame_stack + n_step + spare, frame_stack, n_step);
          for (int step = 0; step < 120; ++step) {
            if (random.chance(0.02)) lane.clear();
            const bool terminated = random.chance(end_chance / 2);
            const bool truncated = random.chance(end_chance / 2);
            lane.decide({terminated, truncated});
            lane.check();
          }
        }
}

TEST(a_cleared_ring_has_no_eligible_start) {
  Lane lane(6, 2, 1);
  for (int step = 0; step < 20; ++step) lane.decide({});
  lane.clear();
  lane.check();
  lane.decide({});
  lane.check();
}
