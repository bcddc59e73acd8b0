#include "replay/prioritized_replay.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include "support/errors.hpp"
#include "support/finite.hpp"
#include "support/philox.hpp"

namespace apexline {
namespace {

// Batches of at least this many bytes are written with streaming stores. Smaller ones stay in the caches for their reader.
constexpr std::size_t kStreamedBytes = std::size_t{4} << 20;

// Smaller batches are gathered by one thread: waking others takes longer.
constexpr std::size_t kSharedBytes = std::size_t{256} << 10;

// Second word of the Philox key: separates the shifts' stream from the tree's, which has 0 there.
constexpr std::uint64_t kShiftStream = 1;

// (N P(i))^-beta divided by the batch's maximum, which is that of the smallest P: N and the total cancel, and
// (P_min / P(i))^beta cannot overflow. Schaul et al. 2016, section 3.4.
void write_weights(double beta, std::span<const double> priorities, std::span<float> weights) {
  const double smallest = *std::ranges::min_element(priorities);
  std::ranges::transform(priorities, weights.begin(), [smallest, beta](double priority) {
    return static_cast<float>(std::pow(smallest / priority, beta));
  });
}

}  // namespace

PrioritizedReplay::PrioritizedReplay(ReplayConfig config)
    : config_(checked(std::move(config))),
      slots_(config_.capacity / config_.num_envs),
      copier_(config_.geometry, config_.shift),
      tree_(config_.capacity, config_.seed),
      pool_(config_.num_threads) {
  const FrameRingShape shape{slots_, config_.geometry.bytes(), config_.record_bytes(), config_.frame_stack,
                             config_.n_step};
  rings_.reserve(static_cast<std::size_t>(config_.num_envs));
  for (std::int64_t env = 0; env < config_.num_envs; ++env) rings_.emplace_back(shape);
}

PrioritizedReplay::Draw::Draw(Draw&& other) noexcept
    : replay_(std::exchange(other.replay_, nullptr)),
      read_(other.read_),
      starts_(std::move(other.starts_)),
      batch_(other.batch_),
      shift_(other.shift_) {}

PrioritizedReplay::Draw::~Draw() {
  if (replay_ == nullptr) return;
  {
    const std::scoped_lock lock(replay_->mutex_);
    replay_->reads_.erase(read_);
  }
  replay_->read_ended_.notify_all();
}

std::int64_t PrioritizedReplay::num_eligible() const {
  const std::scoped_lock lock(mutex_);
  return num_eligible_;
}

double PrioritizedReplay::max_priority() const {
  const std::scoped_lock lock(mutex_);
  return max_priority_;
}

std::vector<double> PrioritizedReplay::priorities() const {
  const std::scoped_lock lock(mutex_);
  const auto leaves = tree_.leaves();
  return {leaves.begin(), leaves.end()};
}

std::size_t PrioritizedReplay::bytes_for(std::int64_t slots, std::size_t frame_bytes, std::size_t record_bytes) {
  const std::size_t tree_bytes = SumTree::bytes_for(slots);
  std::size_t bytes = 0;
  if (__builtin_add_overflow(frame_bytes, record_bytes, &bytes) ||
      __builtin_add_overflow(bytes, sizeof(SlotHeader), &bytes) ||
      __builtin_mul_overflow(bytes, static_cast<std::size_t>(slots), &bytes) ||
      __builtin_add_overflow(bytes, tree_bytes, &bytes))
    throw std::invalid_argument(text("frame_bytes is ", frame_bytes, "; expected a replay of at most 2^64 - 1 bytes"));
  return bytes;
}

double PrioritizedReplay::bytes_per_slot() const noexcept {
  return static_cast<double>(config_.geometry.bytes() + config_.record_bytes() + sizeof(SlotHeader)) +
         static_cast<double>(tree_.bytes()) / static_cast<double>(config_.capacity);
}

std::size_t PrioritizedReplay::bytes() const {
  const std::scoped_lock lock(mutex_);
  std::int64_t written = 0;
  for (const FrameRing& ring : rings_) written += std::min(ring.head(), slots_);
  return static_cast<std::size_t>(std::ceil(static_cast<double>(written) * bytes_per_slot()));
}

std::int64_t PrioritizedReplay::leaf(const Place& place) const noexcept {
  return place.env * slots_ + place.position % slots_;
}

void PrioritizedReplay::check_step(const StepBatch& batch) const {
  const std::size_t action_bytes = config_.field_bytes[0];
  for (std::int64_t env = 0; env < config_.num_envs; ++env) {
    if (batch.mask && !batch.mask[env]) continue;
    if (!std::isfinite(batch.rewards[env]))
      throw std::invalid_argument(text("rewards[", env, "] is ", batch.rewards[env], "; expected a finite value"));
    const std::byte* action = batch.fields[0] + static_cast<std::size_t>(env) * action_bytes;
    if (const auto found = find_not_finite(config_.action_number, action, action_bytes))
      throw std::invalid_argument(
          text("actions[", env, "].flat[", found->place, "] is ", found->value, "; expected a finite value"));
    if (batch.truncated[env] && !batch.final_frames)
      throw std::invalid_argument(text("truncated[", env, "] is true and final_frames is None; expected an array"));
  }
}

// Whether an unfinished read includes a position up to `overwritten`, given by environment.
bool PrioritizedReplay::pending_read_of(std::span<const std::int64_t> overwritten) const {
  return std::ranges::any_of(reads_, [&](const Read& read) {
    if (read.process != process_id()) return false;
    for (std::size_t env = 0; env < overwritten.size(); ++env)
      if (read.oldest[env] <= overwritten[env]) return true;
    return false;
  });
}

void PrioritizedReplay::wait_for_reads(std::unique_lock<std::mutex>& lock, const StepBatch& batch) {
  if (reads_.empty()) return;
  std::vector<std::int64_t> overwritten(rings_.size(), -1);
  const auto refresh = [&] {
    for (std::size_t env = 0; env < rings_.size(); ++env)
      if (!batch.mask || batch.mask[env])
        overwritten[env] = rings_[env].overwritten_by(batch.terminated[env] || batch.truncated[env] ? 2 : 1);
  };
  read_ended_.wait(lock, [&] {
    refresh();
    return !pending_read_of(overwritten);
  });
}

void PrioritizedReplay::wait_for_draws(std::unique_lock<std::mutex>& lock) {
  read_ended_.wait(lock, [this] {
    return std::ranges::none_of(reads_,
                                [](const Read& read) { return !read.of_snapshot && read.process == process_id(); });
  });
}

void PrioritizedReplay::add(const StepBatch& batch) {
  check_step(batch);
  std::unique_lock lock(mutex_);
  wait_for_reads(lock, batch);
  const std::size_t frame_bytes = config_.geometry.bytes();
  for (std::int64_t env = 0; env < config_.num_envs; ++env) {
    if (batch.mask && !batch.mask[env]) continue;
    const auto row = static_cast<std::size_t>(env);
    const StepEnd end{batch.terminated[env], batch.truncated[env]};
    const std::byte* frame = batch.frames + row * frame_bytes;
    FrameRing& ring = rings_[row];
    ring.append_step(frame, batch.rewards[env], end, changes_);
    std::byte* record = ring.record(ring.head() - 1);
    for (std::size_t field = 0; field < config_.field_bytes.size(); ++field) {
      const std::size_t bytes = config_.field_bytes[field];
      record = std::copy_n(batch.fields[field] + row * bytes, bytes, record);
    }
    if (end.any()) ring.append_final(batch.final_frames ? batch.final_frames + row * frame_bytes : frame, changes_);
    collect_changes(env);
  }
  apply_changes();
}

void PrioritizedReplay::cut_episodes(const bool* mask) {
  std::unique_lock lock(mutex_);
  wait_for_draws(lock);
  for (std::int64_t env = 0; env < config_.num_envs; ++env) {
    if (mask && !mask[env]) continue;
    ring(env).cut_episode(changes_);
    collect_changes(env);
  }
  apply_changes();
}

void PrioritizedReplay::collect_changes(std::int64_t env) {
  for (const auto& [position, eligible] : changes_) {
    changed_leaves_.push_back(leaf({env, position}));
    changed_priorities_.push_back(eligible ? max_priority_ : 0.0);
    num_eligible_ += eligible ? 1 : -1;
  }
  changes_.clear();
}

void PrioritizedReplay::apply_changes() {
  tree_.set(changed_leaves_, changed_priorities_);
  changed_leaves_.clear();
  changed_priorities_.clear();
}

PrioritizedReplay::Draw PrioritizedReplay::draw(double beta, int shift, const BatchArrays& out) {
  require(beta >= 0 && beta <= 1, "beta", beta, "from 0 to 1");
  if (shift < 0 || shift > config_.shift)
    throw std::invalid_argument(text("shift is ", shift, "; expected from 0 to the replay's shift, ", config_.shift));
  require(out.size >= 1, "batch_size", out.size, ">= 1");
  const auto size = static_cast<std::size_t>(out.size);
  std::vector<double> priorities(size);
  std::vector<Place> starts(size);
  std::list<Read> read;
  read.push_back({process_id(), std::vector<std::int64_t>(rings_.size(), std::numeric_limits<std::int64_t>::max())});
  std::vector<std::int64_t>& oldest = read.front().oldest;
  // Not in `out`, which is only written: another thread may write to the caller's arrays too.
  std::vector<std::int64_t> leaves(size);

  std::unique_lock lock(mutex_);
  if (!is_checked_) throw std::invalid_argument("the replay was restored without a check; expected `check` first");
  if (num_eligible_ == 0)
    throw std::invalid_argument("no transition can be sampled yet; expected one with its next frame and n-step return");
  tree_.sample(leaves);
  for (std::size_t row = 0; row < size; ++row) {
    const std::int64_t leaf = leaves[row];
    priorities[row] = tree_.leaves()[static_cast<std::size_t>(leaf)];
    const std::int64_t env = leaf / slots_;
    const std::int64_t position = ring(env).newest_in(leaf - env * slots_);
    starts[row] = {env, position};
    leaves[row] = position / slots_ * config_.capacity + leaf;
    std::int64_t& oldest_here = oldest[static_cast<std::size_t>(env)];
    oldest_here = std::min(oldest_here, std::max(position - (config_.frame_stack - 1), ring(env).tail()));
  }
  Draw drawn(this);
  reads_.splice(reads_.end(), read);
  drawn.read_ = std::prev(reads_.end());
  drawn.starts_ = std::move(starts);
  drawn.batch_ = batches_++;
  drawn.shift_ = shift;
  lock.unlock();

  std::ranges::copy(leaves, out.indices);
  write_weights(beta, priorities, {out.weights, size});
  return drawn;
}

void PrioritizedReplay::gather(const Draw& draw, const BatchArrays& out) {
  const std::size_t stack_bytes = config_.geometry.bytes() * static_cast<std::size_t>(config_.frame_stack);
  const std::size_t bytes = 2 * stack_bytes * static_cast<std::size_t>(out.size);
  const Store store = bytes >= kStreamedBytes ? Store::kStreaming : Store::kCached;
  const auto first_frame = [&](std::int64_t row) {
    const Place& place = draw.starts_[static_cast<std::size_t>(row)];
    return ring(place.env).stack(place.position).runs[0].frames;
  };
  const auto write = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row)
      write_start(out, row, draw, store, first_frame(std::min(row + 1, out.size - 1)));
    finish_streaming();
  };
  if (bytes < kSharedBytes) return write(0, out.size);
  pool_.parallel_for(out.size, write);
}

void PrioritizedReplay::write_start(const BatchArrays& out, std::int64_t row, const Draw& draw, Store store,
                                    const std::byte* next_source) const {
  const auto i = static_cast<std::size_t>(row);
  const Place& place = draw.starts_[i];
  const FrameRing& source = ring(place.env);
  const std::size_t stack_bytes = config_.geometry.bytes() * static_cast<std::size_t>(config_.frame_stack);

  Shift shift{0, 0};
  Shift next_shift{0, 0};
  if (draw.shift_ > 0) {
    const PhiloxBlock draws =
        philox({config_.seed, kShiftStream}, {static_cast<std::uint64_t>(row), draw.batch_, 0, 0});
    const auto offsets = static_cast<std::uint32_t>(2 * draw.shift_ + 1);
    const auto offset = [&](std::size_t axis) { return static_cast<int>(below(draws[axis], offsets)) - draw.shift_; };
    shift = {offset(0), offset(1)};
    next_shift = {offset(2), offset(3)};
  }

  const NStepReturn n_step = source.n_step_return(place.position, config_.gamma);
  const Stack next = source.stack(n_step.next);
  write_stack(source.stack(place.position), shift, out.obs + i * stack_bytes, store, next.runs[0].frames);
  write_stack(next, next_shift, out.next_obs + i * stack_bytes, store, next_source);
  const std::byte* record = source.record(place.position);
  for (std::size_t field = 0; field < config_.field_bytes.size(); ++field) {
    const std::size_t bytes = config_.field_bytes[field];
    std::copy_n(record, bytes, out.fields[field] + i * bytes);
    record += bytes;
  }
  out.reward[i] = static_cast<float>(n_step.reward);
  out.discount[i] = static_cast<float>(n_step.discount);
}

void PrioritizedReplay::write_stack(const Stack& stack, Shift shift, std::byte* out, Store store,
                                    const std::byte* next_source) const {
  const auto write = [&](const FrameRun& run, const std::byte* next) {
    if (run.count > 0) copier_.copy(run.frames, run.count, shift, out, store, next);
    out += run.count * config_.geometry.bytes();
  };
  const auto& [first, second] = stack.runs;
  for (std::size_t i = 0; i < stack.repeats; ++i) write({first.frames, 1}, first.frames);
  write(first, second.count > 0 ? second.frames : next_source);
  write(second, next_source);
}

std::int64_t PrioritizedReplay::update_priorities(std::span<const std::int64_t> handles,
                                                  std::span<const double> td_errors) {
  std::vector<double> given(handles.size());
  for (std::size_t i = 0; i < handles.size(); ++i) {
    given[i] = std::pow(std::abs(td_errors[i]) + config_.epsilon, config_.alpha);
    if (!std::isfinite(td_errors[i]) || given[i] > kMaxPriority)
      throw std::invalid_argument(text("td_errors[", i, "] is ", td_errors[i],
                                       "; expected a finite value with a priority of at most ", kMaxPriority));
  }
  std::vector<std::int64_t> leaf_of(handles.size());

  const std::scoped_lock lock(mutex_);
  const std::span<const double> priority_of = tree_.leaves();
  for (std::size_t i = 0; i < handles.size(); ++i) {
    leaf_of[i] = handles[i] < 0 ? 0 : handles[i] % config_.capacity;
    __builtin_prefetch(&priority_of[static_cast<std::size_t>(leaf_of[i])], 1);
  }
  std::vector<std::int64_t> leaves;
  std::vector<double> priorities;
  leaves.reserve(handles.size());
  priorities.reserve(handles.size());
  double largest = max_priority_;
  for (std::size_t i = 0; i < handles.size(); ++i) {
    const std::int64_t leaf = leaf_of[i];
    const std::int64_t env = leaf / slots_;
    const std::int64_t slot = leaf - env * slots_;
    const std::int64_t position = handles[i] / config_.capacity * slots_ + slot;
    if (handles[i] < 0 || position >= ring(env).head())
      throw std::out_of_range(text("indices[", i, "] is ", handles[i], "; expected a handle of this replay"));
    // Only eligible starts have a positive priority, and only the newest position of a slot can be one.
    if (position != ring(env).newest_in(slot) || priority_of[static_cast<std::size_t>(leaf)] == 0) continue;
    leaves.push_back(leaf);
    priorities.push_back(given[i]);
    largest = std::max(largest, given[i]);
  }
  tree_.set(leaves, priorities);
  max_priority_ = largest;
  const auto stale = static_cast<std::int64_t>(handles.size() - leaves.size());
  stale_updates_ += stale;
  return stale;
}

void PrioritizedReplay::clear() {
  const std::scoped_lock lock(mutex_);
  for (FrameRing& ring : rings_) ring.clear();
  tree_.clear();
  num_eligible_ = 0;
  stale_updates_ = 0;
  max_priority_ = 1.0;
  is_checked_ = true;
}

}  // namespace apexline
