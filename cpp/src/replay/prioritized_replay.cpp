#include "apexline/replay/prioritized_replay.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "apexline/support/philox.hpp"
#include "apexline/support/text.hpp"

namespace apexline {
namespace {

// Philox key word that keeps the shifts' stream apart from the tree's, which has 0 there.
constexpr std::uint64_t kShiftStream = 1;

template <class T>
void require(bool holds, const char* name, const T& value, const char* rule) {
  if (!holds) throw std::invalid_argument(text(name, " is ", value, "; it must be ", rule));
}

ReplayConfig checked(ReplayConfig config) {
  const FrameGeometry& frame = config.geometry;
  require(config.num_envs >= 1, "num_envs", config.num_envs, ">= 1");
  require(config.frame_stack >= 1, "frame_stack", config.frame_stack, ">= 1");
  require(config.n_step >= 1, "n_step", config.n_step, ">= 1");
  require(config.gamma >= 0 && config.gamma <= 1, "gamma", config.gamma, "from 0 to 1");
  require(config.alpha >= 0 && config.alpha <= 1, "alpha", config.alpha, "from 0 to 1");
  require(config.beta >= 0 && config.beta <= 1, "beta", config.beta, "from 0 to 1");
  require(config.epsilon > 0 && std::isfinite(config.epsilon), "epsilon", config.epsilon, "finite and > 0");
  require(config.num_threads >= 1 && config.num_threads <= 1024, "num_threads", config.num_threads,
          "from 1 to 1024");
  require(config.shift >= 0, "shift", config.shift, ">= 0");
  const auto side = static_cast<std::int64_t>(std::min(frame.height, frame.width));
  if (config.shift >= side)
    throw std::invalid_argument(text("shift is ", config.shift, "; it must be below the frame's shorter side, ", side));
  const std::int64_t least = std::int64_t{config.frame_stack} + config.n_step;
  if (config.capacity / config.num_envs < least)
    throw std::invalid_argument(text("capacity is ", config.capacity, "; with num_envs ", config.num_envs,
                                     ", frame_stack ", config.frame_stack, " and n_step ", config.n_step,
                                     " it must be >= ", config.num_envs * least));
  config.capacity -= config.capacity % config.num_envs;
  return config;
}

}  // namespace

PrioritizedReplay::PrioritizedReplay(const ReplayConfig& config)
    : config_(checked(config)),
      slots_(config_.capacity / config_.num_envs),
      tree_(config_.capacity, config_.seed),
      pool_(config_.num_threads) {
  const FrameRingShape shape{slots_, config_.geometry.bytes(), config_.action_size, config_.frame_stack,
                             config_.n_step};
  lanes_.reserve(static_cast<std::size_t>(config_.num_envs));
  for (std::int64_t lane = 0; lane < config_.num_envs; ++lane) lanes_.emplace_back(shape);
}

std::int64_t PrioritizedReplay::num_eligible() const {
  const std::lock_guard lock(mutex_);
  return num_eligible_;
}

double PrioritizedReplay::max_priority() const {
  const std::lock_guard lock(mutex_);
  return max_priority_;
}

std::vector<double> PrioritizedReplay::priorities() const {
  const std::lock_guard lock(mutex_);
  const auto leaves = tree_.leaves();
  return {leaves.begin(), leaves.end()};
}

std::int64_t PrioritizedReplay::leaf(const Place& place) const noexcept {
  return place.lane * slots_ + place.position % slots_;
}

std::int64_t PrioritizedReplay::handle(const Place& place) const noexcept {
  return place.position / slots_ * config_.capacity + leaf(place);
}

PrioritizedReplay::Place PrioritizedReplay::place_of(std::int64_t handle) const noexcept {
  const std::int64_t leaf = handle % config_.capacity;
  return {leaf / slots_, handle / config_.capacity * slots_ + leaf % slots_};
}

PrioritizedReplay::Place PrioritizedReplay::newest_in_leaf(std::int64_t leaf) const noexcept {
  const std::int64_t lane = leaf / slots_;
  return {lane, lanes_[static_cast<std::size_t>(lane)].newest_in(leaf % slots_)};
}

void PrioritizedReplay::check_step(const StepBatch& batch) const {
  for (std::int64_t lane = 0; lane < config_.num_envs; ++lane) {
    if (batch.mask && !batch.mask[lane]) continue;
    if (!std::isfinite(batch.rewards[lane]))
      throw std::invalid_argument(text("rewards[", lane, "] is ", batch.rewards[lane], "; it must be finite"));
    for (std::size_t i = 0; i < config_.action_size; ++i) {
      const float action = batch.actions[static_cast<std::size_t>(lane) * config_.action_size + i];
      if (!std::isfinite(action))
        throw std::invalid_argument(text("actions[", lane, "] has ", action, " in place ", i, "; it must be finite"));
    }
    if (batch.truncated[lane] && !batch.final_frames)
      throw std::invalid_argument(text("truncated[", lane, "] is true; final_frames is required"));
  }
}

void PrioritizedReplay::add(const StepBatch& batch) {
  check_step(batch);
  const std::lock_guard lock(mutex_);
  const std::size_t frame_bytes = config_.geometry.bytes();
  std::vector<EligibilityChange> changes;
  std::vector<std::int64_t> leaves;
  std::vector<double> priorities;

  for (std::int64_t lane = 0; lane < config_.num_envs; ++lane) {
    if (batch.mask && !batch.mask[lane]) continue;
    const auto row = static_cast<std::size_t>(lane);
    const StepEnd end{batch.terminated[lane], batch.truncated[lane]};
    const std::byte* frame = batch.frames + row * frame_bytes;
    changes.clear();
    lanes_[row].append_decision(frame, batch.actions + row * config_.action_size, batch.rewards[lane], end, changes);
    if (end.any())
      lanes_[row].append_final(batch.final_frames ? batch.final_frames + row * frame_bytes : frame, changes);
    for (const auto& [position, eligible] : changes) {
      leaves.push_back(leaf({lane, position}));
      priorities.push_back(eligible ? max_priority_ : 0.0);
      num_eligible_ += eligible ? 1 : -1;
    }
  }
  tree_.set(leaves, priorities);
}

void PrioritizedReplay::write_stack(const FrameRing& ring, std::int64_t position, Shift shift,
                                    std::byte* out) const {
  std::vector<const std::byte*> frames(static_cast<std::size_t>(config_.frame_stack));
  ring.stack(position, frames);
  for (const std::byte* frame : frames) {
    copy_shifted(config_.geometry, frame, shift, out);
    out += config_.geometry.bytes();
  }
}

void PrioritizedReplay::write_start(const BatchArrays& out, std::int64_t row, const Place& place) const {
  const FrameRing& ring = lanes_[static_cast<std::size_t>(place.lane)];
  const auto i = static_cast<std::size_t>(row);
  const std::size_t stack_bytes = config_.geometry.bytes() * static_cast<std::size_t>(config_.frame_stack);

  const auto offsets = static_cast<std::uint32_t>(2 * config_.shift + 1);
  const PhiloxBlock draws =
      philox({config_.seed, kShiftStream}, {static_cast<std::uint64_t>(row), batches_, 0, 0});
  const auto offset = [&](std::size_t axis) { return static_cast<int>(below(draws[axis], offsets)) - config_.shift; };

  const Window window = ring.window(place.position, config_.gamma);
  write_stack(ring, place.position, {offset(0), offset(1)}, out.obs + i * stack_bytes);
  write_stack(ring, window.next, {offset(2), offset(3)}, out.next_obs + i * stack_bytes);
  std::copy_n(ring.action(place.position), config_.action_size, out.action + i * config_.action_size);
  out.reward[i] = static_cast<float>(window.reward);
  out.discount[i] = static_cast<float>(window.discount);
}

// (N P(i))^-beta over the batch's maximum, which belongs to the smallest P: N and the total cancel, and what is left,
// (P_min / P(i))^beta, cannot overflow. Schaul et al. 2016, section 3.4.
void PrioritizedReplay::write_weights(double beta, std::span<const std::int64_t> leaves, float* out) const {
  std::vector<double> priorities(leaves.size());
  tree_.get(leaves, priorities);
  const double smallest = *std::ranges::min_element(priorities);
  std::ranges::transform(priorities, out, [smallest, beta](double priority) {
    return static_cast<float>(std::pow(smallest / priority, beta));
  });
}

void PrioritizedReplay::sample(double beta, const BatchArrays& out) {
  require(beta >= 0 && beta <= 1, "beta", beta, "from 0 to 1");
  const std::lock_guard lock(mutex_);
  if (num_eligible_ == 0)
    throw std::invalid_argument("no transition can be sampled yet: none has its next frame and n-step return");

  std::vector<std::int64_t> leaves(static_cast<std::size_t>(out.size));
  tree_.sample(leaves);
  write_weights(beta, leaves, out.weights);
  pool_.parallel_for(out.size, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const Place place = newest_in_leaf(leaves[static_cast<std::size_t>(row)]);
      out.indices[row] = handle(place);
      write_start(out, row, place);
    }
  });
  ++batches_;
}

std::int64_t PrioritizedReplay::update_priorities(std::span<const std::int64_t> handles,
                                                  std::span<const double> td_errors) {
  const std::lock_guard lock(mutex_);
  std::vector<std::int64_t> leaves;
  std::vector<double> priorities;
  double largest = max_priority_;
  for (std::size_t i = 0; i < handles.size(); ++i) {
    const double priority = std::pow(std::abs(td_errors[i]) + config_.epsilon, config_.alpha);
    if (!std::isfinite(td_errors[i]) || priority > kMaxPriority)
      throw std::invalid_argument(text("td_errors[", i, "] is ", td_errors[i],
                                       "; it must be finite and give a priority of at most ", kMaxPriority));
    const Place place = handles[i] < 0 ? Place{0, -1} : place_of(handles[i]);
    const FrameRing& ring = lanes_[static_cast<std::size_t>(place.lane)];
    if (place.position < 0 || place.position >= ring.head())
      throw std::out_of_range(text("indices[", i, "] is ", handles[i], "; this replay never gave it out"));
    if (!ring.eligible(place.position)) continue;
    leaves.push_back(leaf(place));
    priorities.push_back(priority);
    largest = std::max(largest, priority);
  }
  tree_.set(leaves, priorities);
  max_priority_ = largest;
  return static_cast<std::int64_t>(handles.size() - leaves.size());
}

void PrioritizedReplay::clear() {
  const std::lock_guard lock(mutex_);
  for (FrameRing& lane : lanes_) lane.clear();
  tree_.clear();
  num_eligible_ = 0;
  max_priority_ = 1.0;
}

}  // namespace apexline
