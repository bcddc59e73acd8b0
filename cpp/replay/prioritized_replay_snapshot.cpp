// PrioritizedReplay: snapshots.
#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "replay/prioritized_replay.hpp"
#include "support/errors.hpp"

namespace apexline {
namespace {

// Slots at the end of an environment that cut_episodes may change.
constexpr std::int64_t kChangeable = 2;

// In place of the oldest position that a read needs, if it needs none.
constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

}  // namespace

PrioritizedReplay::Snapshot PrioritizedReplay::snapshot() {
  const auto envs = static_cast<std::size_t>(config_.num_envs);
  const std::size_t frame_bytes = config_.geometry.bytes();
  const std::size_t record_bytes = config_.record_bytes();
  constexpr auto kCopies = static_cast<std::size_t>(kChangeable);
  Snapshot taken(nullptr);
  taken.first_.resize(envs);
  taken.last_two_.resize(envs);
  taken.end_.resize(envs);
  taken.frames_.resize(envs * kCopies * frame_bytes);
  taken.records_.resize(envs * kCopies * record_bytes);
  taken.headers_.resize(envs * kCopies);
  std::vector<double> priorities(static_cast<std::size_t>(config_.capacity));
  std::list<Read> read;
  read.push_back({process_id(), std::vector<std::int64_t>(envs, kNone), true});
  std::vector<std::int64_t>& oldest = read.front().oldest;

  const std::scoped_lock lock(mutex_);
  taken.state_ = counters();
  std::ranges::copy(tree_.leaves(), priorities.begin());
  taken.state_.priorities = std::move(priorities);
  taken.contents_ = contents_;
  for (std::size_t env = 0; env < envs; ++env) {
    const FrameRing& from = rings_[env];
    taken.first_[env] = from.tail();
    taken.end_[env] = from.head();
    taken.last_two_[env] = std::max(from.tail(), from.head() - kChangeable);
    for (std::int64_t position = taken.last_two_[env]; position < from.head(); ++position) {
      const std::size_t place = env * kCopies + static_cast<std::size_t>(position - taken.last_two_[env]);
      std::copy_n(from.frame(position), frame_bytes, &taken.frames_[place * frame_bytes]);
      std::copy_n(from.record(position), record_bytes, &taken.records_[place * record_bytes]);
      taken.headers_[place] = from.header(position);
    }
    if (taken.first_[env] < taken.last_two_[env]) oldest[env] = taken.first_[env];
  }
  reads_.splice(reads_.end(), read);
  taken.read_ = std::prev(reads_.end());
  taken.replay_ = this;
  return taken;
}

PrioritizedReplay::Snapshot::Snapshot(Snapshot&& other) noexcept
    : replay_(std::exchange(other.replay_, nullptr)),
      read_(other.read_),
      contents_(other.contents_),
      state_(std::move(other.state_)),
      first_(std::move(other.first_)),
      last_two_(std::move(other.last_two_)),
      end_(std::move(other.end_)),
      frames_(std::move(other.frames_)),
      records_(std::move(other.records_)),
      headers_(std::move(other.headers_)) {}

PrioritizedReplay::Snapshot::~Snapshot() {
  if (replay_ == nullptr) return;
  {
    const std::scoped_lock lock(replay_->mutex_);
    replay_->reads_.erase(read_);
  }
  replay_->read_ended_.notify_all();
}

void PrioritizedReplay::Snapshot::require_readable() const {
  if (read_->process != process_id())
    throw std::runtime_error("the snapshot was taken in another process; expected one of this process");
  if (read_->lost) throw std::runtime_error("the contents of the replay were replaced after the snapshot was taken");
}

void PrioritizedReplay::Snapshot::require_size(std::span<const std::int64_t> positions) const {
  if (positions.size() != end_.size())
    throw std::out_of_range(text("the number of positions is ", positions.size(), "; expected one for each of ",
                                 end_.size(), " environments"));
}

std::int64_t PrioritizedReplay::Snapshot::first_unreleased(std::size_t env) const noexcept {
  return std::min(read_->oldest[env], last_two_[env]);
}

std::int64_t PrioritizedReplay::Snapshot::checked_count(std::span<const std::int64_t> begin,
                                                        std::span<const std::int64_t> end) const {
  require_readable();
  require_size(begin);
  require_size(end);
  std::int64_t count = 0;
  for (std::size_t env = 0; env < end_.size(); ++env) {
    const std::int64_t first = first_unreleased(env);
    if (begin[env] < first || begin[env] > end[env] || end[env] > end_[env])
      throw std::out_of_range(text("positions of environment ", env, " are ", begin[env], " to ", end[env],
                                   "; expected from ", first, " to ", end_[env]));
    count += end[env] - begin[env];
  }
  return count;
}

bool PrioritizedReplay::Snapshot::has(std::span<const std::int64_t> begin) const {
  const std::scoped_lock lock(replay_->mutex_);
  require_readable();
  require_size(begin);
  for (std::size_t env = 0; env < end_.size(); ++env)
    if (begin[env] < first_unreleased(env)) return false;
  return true;
}

std::int64_t PrioritizedReplay::Snapshot::count(std::span<const std::int64_t> begin,
                                                std::span<const std::int64_t> end) const {
  const std::scoped_lock lock(replay_->mutex_);
  return checked_count(begin, end);
}

void PrioritizedReplay::Snapshot::read(std::span<const std::int64_t> begin, std::span<const std::int64_t> end,
                                       const SlotArrays& out) {
  {
    const std::scoped_lock lock(replay_->mutex_);
    static_cast<void>(checked_count(begin, end));
    read_->copying = true;
  }
  const ReplayConfig& config = replay_->config_;
  std::size_t place = 0;
  for (std::size_t env = 0; env < end_.size(); ++env) {
    const FrameRing& from = replay_->rings_[env];
    for (std::int64_t position = begin[env]; position < end[env]; ++position) {
      if (position < last_two_[env]) {
        replay_->copy_slot(from.frame(position), from.record(position), from.header(position), out, place++);
        continue;
      }
      const std::size_t copy =
          env * static_cast<std::size_t>(kChangeable) + static_cast<std::size_t>(position - last_two_[env]);
      replay_->copy_slot(&frames_[copy * config.geometry.bytes()], &records_[copy * config.record_bytes()],
                         headers_[copy], out, place++);
    }
  }
  {
    const std::scoped_lock lock(replay_->mutex_);
    read_->copying = false;
  }
  replay_->read_ended_.notify_all();
}

void PrioritizedReplay::Snapshot::release(std::span<const std::int64_t> begin) {
  {
    const std::scoped_lock lock(replay_->mutex_);
    require_size(begin);
    for (std::size_t env = 0; env < end_.size(); ++env) {
      std::int64_t& oldest = read_->oldest[env];
      oldest = std::max(oldest, begin[env]);
      if (oldest >= last_two_[env]) oldest = kNone;
    }
  }
  replay_->read_ended_.notify_all();
}

// Waits for everything that reads slots now.
void PrioritizedReplay::begin_replacement(std::unique_lock<std::mutex>& lock) {
  read_ended_.wait(lock, [this] {
    return std::ranges::none_of(
        reads_, [](const Read& read) { return read.process == process_id() && (!read.of_snapshot || read.copying); });
  });
  end_snapshots();
}

void PrioritizedReplay::end_snapshots() {
  ++contents_;
  for (Read& read : reads_) {
    if (!read.of_snapshot) continue;
    read.lost = true;
    std::ranges::fill(read.oldest, kNone);
  }
  read_ended_.notify_all();
}

}  // namespace apexline
