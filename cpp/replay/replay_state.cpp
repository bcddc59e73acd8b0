// What a PrioritizedReplay holds, counted, taken out, put back and checked.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "replay/prioritized_replay.hpp"
#include "support/require.hpp"
#include "support/text.hpp"

namespace apexline {
namespace {

constexpr std::uint8_t kTerminated = 1;
constexpr std::uint8_t kTruncated = 2;
constexpr std::uint8_t kFinalFrame = 4;

std::uint8_t flags_of(const Step& step) noexcept {
  return static_cast<std::uint8_t>((step.end.terminated ? kTerminated : 0) | (step.end.truncated ? kTruncated : 0) |
                                   (step.final_frame ? kFinalFrame : 0));
}

}  // namespace

ReplayStats PrioritizedReplay::stats() const {
  const std::lock_guard lock(mutex_);
  ReplayStats stats{num_eligible_, 0, 0, stale_updates_, max_priority_, 0.0};
  for (const FrameRing& lane : lanes_) {
    stats.episodes += lane.counters().episodes;
    stats.evicted += lane.counters().evicted;
  }
  if (num_eligible_ == 0) return stats;
  const double total = tree_.total();
  double squares = 0;  // of probabilities, which neither overflow nor, all of them, vanish
  for (const double priority : tree_.leaves()) squares += (priority / total) * (priority / total);
  stats.effective_sample_size = 1 / squares;
  return stats;
}

ReplayState PrioritizedReplay::state() const {
  const std::lock_guard lock(mutex_);
  const auto leaves = tree_.leaves();
  ReplayState state{tree_.seed(), tree_.draws(), batches_, stale_updates_, max_priority_, {}, {}};
  for (const FrameRing& lane : lanes_) state.lanes.push_back(lane.counters());
  state.priorities.assign(leaves.begin(), leaves.end());
  return state;
}

void PrioritizedReplay::check_positions(std::int64_t lane, std::int64_t begin, std::int64_t end) const {
  if (lane < 0 || lane >= config_.num_envs)
    throw std::out_of_range(text("lane is ", lane, "; it must be from 0 to ", config_.num_envs - 1));
  if (begin < ring(lane).tail() || begin > end || end > ring(lane).head())
    throw std::out_of_range(text("lane ", lane, " holds positions ", ring(lane).tail(), " to ", ring(lane).head(), "; ",
                                 begin, " to ", end, " are not all among them"));
}

void PrioritizedReplay::read_slots(std::int64_t lane, std::int64_t begin, std::int64_t end,
                                   const SlotArrays& out) const {
  const std::lock_guard lock(mutex_);
  check_positions(lane, begin, end);
  for (std::int64_t position = begin; position < end; ++position) {
    const auto i = static_cast<std::size_t>(position - begin);
    std::copy_n(ring(lane).frame(position), config_.geometry.bytes(), out.frames + i * config_.geometry.bytes());
    const std::byte* record = ring(lane).record(position);
    for (std::size_t field = 0; field < config_.field_bytes.size(); ++field) {
      const std::size_t bytes = config_.field_bytes[field];
      std::copy_n(record, bytes, out.fields[field] + i * bytes);
      record += bytes;
    }
    const Step& step = ring(lane).step(position);
    out.rewards[i] = step.reward;
    out.in_episode[i] = step.in_episode;
    out.flags[i] = flags_of(step);
  }
}

void PrioritizedReplay::write_slots(std::int64_t lane, std::int64_t begin, std::int64_t end, const SlotSource& from) {
  const std::lock_guard lock(mutex_);
  check_positions(lane, begin, end);
  const std::size_t action_bytes = config_.field_bytes[0];
  for (std::size_t i = 0; i < static_cast<std::size_t>(end - begin); ++i) {
    require(std::isfinite(from.rewards[i]), "a reward", from.rewards[i], "finite");
    if (const auto found = find_not_finite(config_.action_number, from.fields[0] + i * action_bytes, action_bytes))
      require(false, "an action", found->value, "finite");
    require(from.flags[i] <= (kTerminated | kTruncated | kFinalFrame), "flags", int{from.flags[i]}, "at most 7");
  }
  for (std::int64_t position = begin; position < end; ++position) {
    const auto i = static_cast<std::size_t>(position - begin);
    std::copy_n(from.frames + i * config_.geometry.bytes(), config_.geometry.bytes(), ring(lane).frame(position));
    std::byte* record = ring(lane).record(position);
    for (std::size_t field = 0; field < config_.field_bytes.size(); ++field) {
      const std::size_t bytes = config_.field_bytes[field];
      record = std::copy_n(from.fields[field] + i * bytes, bytes, record);
    }
    const std::uint8_t flags = from.flags[i];
    ring(lane).step(position) = {from.rewards[i],
                                 from.in_episode[i],
                                 {(flags & kTerminated) != 0, (flags & kTruncated) != 0},
                                 (flags & kFinalFrame) != 0};
  }
}

void PrioritizedReplay::restore(const ReplayState& state) {
  const auto num_lanes = static_cast<std::int64_t>(state.lanes.size());
  require(num_lanes == config_.num_envs, "the number of lanes", num_lanes, "num_envs");
  require(static_cast<std::int64_t>(state.priorities.size()) == config_.capacity, "the number of priorities",
          state.priorities.size(), "capacity");
  require(state.max_priority > 0 && state.max_priority <= kMaxPriority, "max_priority", state.max_priority,
          "positive and at most 1e290");
  const double largest = state.priorities.empty() ? 0 : std::ranges::max(state.priorities);
  require(!(largest > state.max_priority), "a priority", largest, "at most max_priority");
  require(state.stale_updates >= 0, "stale_updates", state.stale_updates, ">= 0");
  const std::int64_t most = (std::int64_t{1} << 62) / config_.num_envs;  // beyond it, handles would not fit
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
    lanes_[lane].check_counters(state.lanes[lane]);
    require(state.lanes[lane].head < most, "head", state.lanes[lane].head, "small enough for handles");
  }
  std::vector<std::int64_t> all(state.priorities.size());
  std::iota(all.begin(), all.end(), std::int64_t{0});

  const std::lock_guard lock(mutex_);
  SumTree tree(config_.capacity, state.seed);
  tree.set(all, state.priorities);
  tree.set_draws(state.draws);
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) lanes_[lane].restore(state.lanes[lane]);
  tree_ = std::move(tree);
  config_.seed = state.seed;
  num_eligible_ = std::ranges::count_if(state.priorities, [](double priority) { return priority > 0; });
  stale_updates_ = state.stale_updates;
  max_priority_ = state.max_priority;
  batches_ = state.batches;
}

void PrioritizedReplay::check() const {
  const std::lock_guard lock(mutex_);
  const auto fail = [](const auto&... parts) { throw std::logic_error(text(parts...)); };
  if (!tree_.consistent()) fail("a sum of the tree is not the sum of its children");
  std::int64_t positive = 0;
  for (std::int64_t lane = 0; lane < config_.num_envs; ++lane) {
    try {
      ring(lane).check();
    } catch (const std::logic_error& error) {
      fail("lane ", lane, ": ", error.what());
    }
    for (std::int64_t slot = 0; slot < slots_; ++slot) {
      const double priority = tree_.leaves()[static_cast<std::size_t>(lane * slots_ + slot)];
      const std::int64_t position = ring(lane).newest_in(slot);
      if ((priority > 0) != ring(lane).eligible(position))
        fail("lane ", lane, ": the step at position ", position, " has priority ", priority,
             priority > 0 ? " but cannot be sampled" : " but can be sampled");
      positive += priority > 0;
    }
  }
  if (positive != num_eligible_) fail("size is ", num_eligible_, ", but ", positive, " priorities are positive");
}

void PrioritizedReplay::swap_contents(PrioritizedReplay& other) {
  std::unique_lock lock(mutex_);
  wait_until_nothing_is_read(lock);
  const std::lock_guard other_lock(other.mutex_);
  lanes_.swap(other.lanes_);
  std::swap(tree_, other.tree_);
  std::swap(config_.seed, other.config_.seed);
  std::swap(num_eligible_, other.num_eligible_);
  std::swap(stale_updates_, other.stale_updates_);
  std::swap(max_priority_, other.max_priority_);
  std::swap(batches_, other.batches_);
}

}  // namespace apexline
