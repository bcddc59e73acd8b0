// PrioritizedReplay: statistics, saving, restoring and checking.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "replay/prioritized_replay.hpp"
#include "support/errors.hpp"

namespace apexline {
namespace {

constexpr std::uint8_t kTerminated = 1;
constexpr std::uint8_t kTruncated = 2;
constexpr std::uint8_t kFinalFrame = 4;

std::uint8_t flags_of(const SlotHeader& header) noexcept {
  return static_cast<std::uint8_t>((header.end.terminated ? kTerminated : 0) | (header.end.truncated ? kTruncated : 0) |
                                   (header.final_frame ? kFinalFrame : 0));
}

}  // namespace

ReplayStats PrioritizedReplay::stats() const {
  const std::scoped_lock lock(mutex_);
  ReplayStats stats{num_eligible_, 0, 0, stale_updates_, max_priority_, 0.0};
  for (const FrameRing& ring : rings_) {
    stats.episodes += ring.counters().episodes;
    stats.evicted += ring.counters().evicted;
  }
  if (num_eligible_ == 0) return stats;
  const double total = tree_.total();
  double squares = 0;  // of probabilities: their squares do not overflow, and not all vanish
  for (const double priority : tree_.leaves()) squares += (priority / total) * (priority / total);
  stats.effective_sample_size = 1 / squares;
  return stats;
}

// The state without priorities.
ReplayState PrioritizedReplay::counters() const {
  ReplayState state{tree_.seed(), tree_.draws(), batches_, stale_updates_, max_priority_, {}, {}};
  for (const FrameRing& ring : rings_) state.rings.push_back(ring.counters());
  return state;
}

ReplayState PrioritizedReplay::state() const {
  const std::scoped_lock lock(mutex_);
  ReplayState state = counters();
  const auto leaves = tree_.leaves();
  state.priorities.assign(leaves.begin(), leaves.end());
  return state;
}

void PrioritizedReplay::check_positions(std::int64_t env, std::int64_t begin, std::int64_t end) const {
  if (env < 0 || env >= config_.num_envs)
    throw std::out_of_range(text("env is ", env, "; expected from 0 to ", config_.num_envs - 1));
  if (begin < ring(env).tail() || begin > end || end > ring(env).head())
    throw std::out_of_range(text("positions of environment ", env, " are ", begin, " to ", end, "; expected from ",
                                 ring(env).tail(), " to ", ring(env).head()));
}

void PrioritizedReplay::require_stored(std::int64_t env, std::int64_t begin, std::int64_t end) const {
  const std::scoped_lock lock(mutex_);
  check_positions(env, begin, end);
}

void PrioritizedReplay::copy_slot(const std::byte* frame, const std::byte* record, const SlotHeader& header,
                                  const SlotArrays& out, std::size_t place) const {
  std::copy_n(frame, config_.geometry.bytes(), out.frames + place * config_.geometry.bytes());
  for (std::size_t field = 0; field < config_.field_bytes.size(); ++field) {
    const std::size_t bytes = config_.field_bytes[field];
    std::copy_n(record, bytes, out.fields[field] + place * bytes);
    record += bytes;
  }
  out.rewards[place] = header.reward;
  out.in_episode[place] = header.in_episode;
  out.flags[place] = flags_of(header);
}

void PrioritizedReplay::read_slots(std::int64_t env, std::int64_t begin, std::int64_t end,
                                   const SlotArrays& out) const {
  const std::scoped_lock lock(mutex_);
  check_positions(env, begin, end);
  const FrameRing& from = ring(env);
  for (std::int64_t position = begin; position < end; ++position)
    copy_slot(from.frame(position), from.record(position), from.header(position), out,
              static_cast<std::size_t>(position - begin));
}

void PrioritizedReplay::write_slots(std::int64_t env, std::int64_t begin, std::int64_t end, const SlotSource& from) {
  std::unique_lock lock(mutex_);
  check_positions(env, begin, end);
  const std::size_t action_bytes = config_.field_bytes[0];
  for (std::size_t i = 0; i < static_cast<std::size_t>(end - begin); ++i) {
    require(std::isfinite(from.rewards[i]), "a reward", from.rewards[i], "finite");
    if (const auto found = find_not_finite(config_.action_number, from.fields[0] + i * action_bytes, action_bytes))
      require(false, "an action", found->value, "finite");
    require(from.flags[i] <= (kTerminated | kTruncated | kFinalFrame), "flags", int{from.flags[i]}, "at most 7");
  }
  begin_replacement(lock);
  check_positions(env, begin, end);  // again: calls of other threads may have run
  is_checked_ = false;
  for (std::int64_t position = begin; position < end; ++position) {
    const auto i = static_cast<std::size_t>(position - begin);
    std::copy_n(from.frames + i * config_.geometry.bytes(), config_.geometry.bytes(), ring(env).frame(position));
    std::byte* record = ring(env).record(position);
    for (std::size_t field = 0; field < config_.field_bytes.size(); ++field) {
      const std::size_t bytes = config_.field_bytes[field];
      record = std::copy_n(from.fields[field] + i * bytes, bytes, record);
    }
    const std::uint8_t flags = from.flags[i];
    ring(env).header(position) = {from.rewards[i],
                                  from.in_episode[i],
                                  {(flags & kTerminated) != 0, (flags & kTruncated) != 0},
                                  (flags & kFinalFrame) != 0};
  }
}

void PrioritizedReplay::restore(const ReplayState& state) {
  const auto num_rings = static_cast<std::int64_t>(state.rings.size());
  require(num_rings == config_.num_envs, "the number of rings", num_rings, "num_envs");
  require(static_cast<std::int64_t>(state.priorities.size()) == config_.capacity, "the number of priorities",
          state.priorities.size(), "capacity");
  require(state.max_priority > 0 && state.max_priority <= kMaxPriority, "max_priority", state.max_priority,
          "positive and at most 1e290");
  const double largest = state.priorities.empty() ? 0 : std::ranges::max(state.priorities);
  require(!(largest > state.max_priority), "a priority", largest, "at most max_priority");
  require(state.stale_updates >= 0, "stale_updates", state.stale_updates, ">= 0");
  const std::int64_t most = (std::int64_t{1} << 62) / config_.num_envs;  // larger handles would overflow
  for (std::size_t env = 0; env < rings_.size(); ++env) {
    rings_[env].check_counters(state.rings[env]);
    require(state.rings[env].head < most, "head", state.rings[env].head, "small enough for 64-bit handles");
  }
  std::vector<std::int64_t> all(state.priorities.size());
  std::iota(all.begin(), all.end(), std::int64_t{0});

  std::unique_lock lock(mutex_);
  SumTree tree(config_.capacity, state.seed);
  tree.set(all, state.priorities);
  tree.set_draws(state.draws);
  begin_replacement(lock);
  is_checked_ = false;
  for (std::size_t env = 0; env < rings_.size(); ++env) rings_[env].restore(state.rings[env]);
  tree_ = std::move(tree);
  config_.seed = state.seed;
  num_eligible_ = std::ranges::count_if(state.priorities, [](double priority) { return priority > 0; });
  stale_updates_ = state.stale_updates;
  max_priority_ = state.max_priority;
  batches_ = state.batches;
}

void PrioritizedReplay::check() const {
  const std::scoped_lock lock(mutex_);
  const auto fail = [](const auto&... parts) { throw std::logic_error(text(parts...)); };
  if (!tree_.consistent()) fail("a node of the tree is not the sum of its children");
  std::int64_t positive = 0;
  for (std::int64_t env = 0; env < config_.num_envs; ++env) {
    try {
      ring(env).check();
    } catch (const std::logic_error& error) {
      fail("environment ", env, ": ", error.what());
    }
    for (std::int64_t slot = 0; slot < slots_; ++slot) {
      const double priority = tree_.leaves()[static_cast<std::size_t>(env * slots_ + slot)];
      const std::int64_t position = ring(env).newest_in(slot);
      if ((priority > 0) != ring(env).eligible(position))
        fail("environment ", env, ": the slot at position ", position, " has priority ", priority,
             priority > 0 ? " but cannot be sampled" : " but can be sampled");
      positive += priority > 0;
    }
  }
  if (positive != num_eligible_) fail("size is ", num_eligible_, ", but ", positive, " priorities are positive");
  is_checked_ = true;
}

std::uint64_t PrioritizedReplay::swap_contents(PrioritizedReplay& other) {
  if (&other == this) throw std::invalid_argument("other is this replay; expected another one");
  if (!config_.has_shape_of(other.config_))
    throw std::invalid_argument("other is a replay of another shape; expected the same configuration");
  std::unique_lock lock(mutex_);
  begin_replacement(lock);
  const std::scoped_lock other_lock(other.mutex_);
  other.end_snapshots();
  rings_.swap(other.rings_);
  std::swap(tree_, other.tree_);
  std::swap(config_.seed, other.config_.seed);
  std::swap(num_eligible_, other.num_eligible_);
  std::swap(stale_updates_, other.stale_updates_);
  std::swap(max_priority_, other.max_priority_);
  std::swap(batches_, other.batches_);
  std::swap(is_checked_, other.is_checked_);
  return contents_;
}

}  // namespace apexline
