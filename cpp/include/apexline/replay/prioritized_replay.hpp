// Prioritized replay over lanes of frames: one FrameRing an environment, one SumTree over all their slots.
//
// Leaf lane * slots + slot is the priority of the start in that slot: (|td| + epsilon)^alpha for an eligible
// start, zero for everything else, kept exact by every call. So what is drawn is always usable, and nothing is
// rejected and drawn again.
//
// A handle names one start for good: position / slots (the generation) * leaves + leaf. A handle whose slot was
// overwritten, or whose start is no longer eligible, is stale: updates ignore it.
//
// Guarantees: a call that throws has changed nothing; every output is a function of the configuration, the seed
// and the order of calls, never of the number of threads. Thread-safety: calls lock; they run one at a time.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "apexline/replay/frame_ring.hpp"
#include "apexline/replay/gather.hpp"
#include "apexline/replay/sum_tree.hpp"
#include "apexline/support/thread_pool.hpp"

namespace apexline {

struct ReplayConfig {
  std::int64_t capacity;  // slots over all lanes, rounded down to a multiple of num_envs
  std::int64_t num_envs;
  FrameGeometry geometry;
  std::size_t action_size;
  int frame_stack;
  int n_step;
  double gamma;
  double alpha;
  double beta;
  double epsilon;
  int shift;  // pixels
  std::uint64_t seed;
  int num_threads;
};

// One step of every lane. Pointers span all lanes; `final_frames` and `mask` may be null.
struct StepBatch {
  const std::byte* frames;
  const float* actions;
  const float* rewards;
  const bool* terminated;
  const bool* truncated;
  const std::byte* final_frames;
  const bool* mask;
};

// Where a batch of `size` transitions is written.
struct BatchArrays {
  std::int64_t size;
  std::byte* obs;       // size * frame_stack frames, oldest first in a stack
  float* action;        // size * action_size
  float* reward;        // n-step sums
  float* discount;      // gamma^k, 0 where terminated
  std::byte* next_obs;  // as obs
  float* weights;       // importance weights over the batch's maximum
  std::int64_t* indices;
};

class PrioritizedReplay {
 public:
  // Throws std::invalid_argument that names the offending field.
  explicit PrioritizedReplay(const ReplayConfig& config);

  [[nodiscard]] const ReplayConfig& config() const noexcept { return config_; }
  [[nodiscard]] std::int64_t num_eligible() const;
  [[nodiscard]] double max_priority() const;

  // Throws std::invalid_argument for a reward or action that is not finite and for a truncated lane without a
  // final frame. A terminated lane without one repeats its last frame: its discount is 0, so it only fills the
  // place. After an end the lane's next step begins an episode.
  void add(const StepBatch& batch);
  // Throws std::invalid_argument where nothing is eligible or beta is not from 0 to 1.
  void sample(double beta, const BatchArrays& out);
  // Applies the pairs in order (the last of equal handles wins) and returns how many were stale. Throws
  // std::out_of_range for a handle never given out, std::invalid_argument for an error that is not finite or whose
  // priority is above kMaxPriority.
  std::int64_t update_priorities(std::span<const std::int64_t> handles, std::span<const double> td_errors);
  // Forgets every transition and the largest priority. Handles given out before are stale.
  void clear();

  // Priorities over all slots, lane by lane; for checks of the invariants above.
  [[nodiscard]] std::vector<double> priorities() const;

 private:
  struct Place {
    std::int64_t lane;
    std::int64_t position;
  };

  [[nodiscard]] std::int64_t leaf(const Place& place) const noexcept;
  [[nodiscard]] std::int64_t handle(const Place& place) const noexcept;
  [[nodiscard]] Place newest_in_leaf(std::int64_t leaf) const noexcept;
  [[nodiscard]] Place place_of(std::int64_t handle) const noexcept;
  void check_step(const StepBatch& batch) const;
  void write_start(const BatchArrays& out, std::int64_t row, const Place& place) const;
  void write_stack(const FrameRing& ring, std::int64_t position, Shift shift, std::byte* out) const;
  void write_weights(double beta, std::span<const std::int64_t> leaves, float* out) const;

  ReplayConfig config_;
  std::int64_t slots_;  // a lane's
  mutable std::mutex mutex_;
  std::vector<FrameRing> lanes_;
  SumTree tree_;
  ThreadPool pool_;
  std::int64_t num_eligible_ = 0;
  double max_priority_ = 1.0;
  std::uint64_t batches_ = 0;  // drawn so far: the counter of the shifts' random stream
};

}  // namespace apexline
