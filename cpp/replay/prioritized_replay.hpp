// Prioritized replay over lanes of frames: one FrameRing an environment, one SumTree over all their slots.
//
// Leaf lane * slots + slot is the priority of the start in that slot: (|td| + epsilon)^alpha for an eligible
// start, zero for everything else, kept exact by every call. So what is drawn is always usable, and nothing is
// rejected and drawn again.
//
// A handle names one start for good: position / slots (the generation) * leaves + leaf. A handle whose slot was
// overwritten, or whose start is no longer eligible, is stale: updates ignore it.
//
// A batch is drawn, then gathered. `draw` chooses its starts and is short; `gather` copies and needs no lock, so adds,
// updates and other batches go on beside it. An `add` that would overwrite what a draw is still to read waits for it.
//
// Guarantees, unless memory runs out (std::bad_alloc): a call that throws has changed nothing; every output is a
// function of the configuration, the seed and the order of draws, adds and updates, never of the number of threads or
// of when a batch is gathered.
// Thread-safety: any calls may run at once, each as a whole; gathers run side by side.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <span>
#include <vector>

#include <sys/types.h>

#include "replay/frame_ring.hpp"
#include "replay/kernels/frame_copy.hpp"
#include "replay/replay_config.hpp"
#include "replay/sum_tree.hpp"
#include "support/thread_pool.hpp"

namespace apexline {

// One step of every lane. Pointers span all lanes; `final_frames` and `mask` may be null.
struct StepBatch {
  const std::byte* frames;
  std::vector<const std::byte*> fields;
  const float* rewards;
  const bool* terminated;
  const bool* truncated;
  const std::byte* final_frames;
  const bool* mask;
};

// Where a batch of `size` transitions is written.
struct BatchArrays {
  std::int64_t size;
  std::byte* obs;                  // size * frame_stack frames, oldest first in a stack
  std::vector<std::byte*> fields;  // size values each
  float* reward;                   // n-step sums
  float* discount;                 // gamma^k, 0 where terminated
  std::byte* next_obs;             // as obs
  float* weights;                  // importance weights over the batch's maximum
  std::int64_t* indices;           // handles
};

// Where slots are written in time order, to be read out.
struct SlotArrays {
  std::byte* frames;
  std::vector<std::byte*> fields;
  float* rewards;
  std::uint32_t* in_episode;
  std::uint8_t* flags;  // 1 terminated, 2 truncated, 4 final frame
};

// The same, to be restored from.
struct SlotSource {
  const std::byte* frames;
  std::vector<const std::byte*> fields;
  const float* rewards;
  const std::uint32_t* in_episode;
  const std::uint8_t* flags;
};

// What a replay holds besides its slots.
struct ReplayState {
  std::uint64_t seed;
  std::uint64_t draws;    // made by the tree
  std::uint64_t batches;  // drawn: the counter of the shifts' random stream
  std::int64_t stale_updates;
  double max_priority;
  std::vector<RingCounters> lanes;
  std::vector<double> priorities;  // over all slots, lane by lane
};

struct ReplayStats {
  std::int64_t size;           // starts that can be drawn
  std::int64_t episodes;       // ended, since the beginning or the last clear
  std::int64_t evicted;        // steps overwritten, since then
  std::int64_t stale_updates;  // priorities that came too late
  double max_priority;
  double effective_sample_size;  // (sum p)^2 / sum p^2; Kish, "Survey Sampling", 1965
};

class PrioritizedReplay {
 private:
  struct Place {
    std::int64_t lane;
    std::int64_t position;
  };

  // Slots that a draw is still to read.
  struct Read {
    pid_t process;                     // a forked child does not wait for its parent's threads
    std::vector<std::int64_t> oldest;  // position by lane
  };

 public:
  // A batch that is drawn. Until it is destroyed, the slots it reads are kept, so the thread that holds it must not
  // add, cut or swap: that could wait for itself. The replay must outlive it.
  class Draw {
   public:
    Draw(Draw&& other) noexcept;
    Draw(const Draw&) = delete;
    Draw& operator=(const Draw&) = delete;
    Draw& operator=(Draw&&) = delete;
    ~Draw();

   private:
    friend class PrioritizedReplay;
    explicit Draw(PrioritizedReplay* replay) : replay_(replay) {}

    PrioritizedReplay* replay_;
    std::list<Read>::iterator read_;
    std::vector<Place> starts_;
    std::uint64_t batch_ = 0;
    int shift_ = 0;
  };

  // Throws std::invalid_argument that names the offending field.
  explicit PrioritizedReplay(ReplayConfig config);

  [[nodiscard]] const ReplayConfig& config() const noexcept { return config_; }
  [[nodiscard]] std::int64_t num_eligible() const;
  [[nodiscard]] double max_priority() const;
  [[nodiscard]] ReplayStats stats() const;  // reads every priority
  [[nodiscard]] std::vector<double> priorities() const;
  // Memory of a full replay of `slots` slots, with frames and fields of these sizes.
  [[nodiscard]] static std::size_t bytes_for(std::int64_t slots, std::size_t frame_bytes, std::size_t record_bytes);
  // Memory taken by the slots written so far, and by each slot.
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] double bytes_per_slot() const noexcept;

  // Throws std::invalid_argument for a reward or action that is not finite and for a truncated lane without a
  // final frame. A terminated lane without one repeats its last frame: its discount is 0, so it only fills the
  // place. After an end the lane's next step begins an episode.
  void add(const StepBatch& batch);
  // Writes `weights` and `indices` of out; stacks will be shifted by up to `shift` pixels. Throws std::invalid_argument
  // where nothing is eligible, beta is not from 0 to 1, shift is not from 0 to the config's or the batch is empty.
  [[nodiscard]] Draw draw(double beta, int shift, const BatchArrays& out);
  // Writes everything else.
  void gather(const Draw& draw, const BatchArrays& out);
  // Applies the pairs in order (the last of equal handles wins) and returns how many were stale. Throws
  // std::out_of_range for a handle never given out, std::invalid_argument for an error that is not finite or whose
  // priority is above kMaxPriority.
  std::int64_t update_priorities(std::span<const std::int64_t> handles, std::span<const double> td_errors);
  // Ends the running episode of every lane of `mask` (all where null), as FrameRing::cut_episode. Waits for reads.
  void cut_episodes(const bool* mask);
  // Forgets every transition and the largest priority. Handles given out before are stale.
  void clear();

  [[nodiscard]] ReplayState state() const;
  // The slots at positions begin .. end - 1 of a lane. Throws std::out_of_range where one does not exist.
  void read_slots(std::int64_t lane, std::int64_t begin, std::int64_t end, const SlotArrays& out) const;

  // Restoring: a fresh replay takes over a state, then every slot that exists; `check` tells whether they fit.
  // Throws std::invalid_argument or std::out_of_range where something cannot be.
  void restore(const ReplayState& state);
  void write_slots(std::int64_t lane, std::int64_t begin, std::int64_t end, const SlotSource& from);
  // Throws std::logic_error that names the first invariant that does not hold. Reads everything but the frames.
  void check() const;
  // Takes the contents of `other`, of the same configuration but for its threads, and leaves it with its own. `other`
  // is another replay that nothing else uses meanwhile.
  void swap_contents(PrioritizedReplay& other);

 private:
  [[nodiscard]] std::int64_t leaf(const Place& place) const noexcept;
  [[nodiscard]] FrameRing& ring(std::int64_t lane) noexcept { return lanes_[static_cast<std::size_t>(lane)]; }
  [[nodiscard]] const FrameRing& ring(std::int64_t lane) const noexcept {
    return lanes_[static_cast<std::size_t>(lane)];
  }
  void collect_changes(std::int64_t lane);
  void apply_changes();
  void wait_until_nothing_is_read(std::unique_lock<std::mutex>& lock);
  void check_step(const StepBatch& batch) const;
  void check_positions(std::int64_t lane, std::int64_t begin, std::int64_t end) const;
  void wait_for_reads(std::unique_lock<std::mutex>& lock, const StepBatch& batch);
  [[nodiscard]] bool still_read(std::span<const std::int64_t> overwritten) const;
  void write_start(const BatchArrays& out, std::int64_t row, const Draw& draw, Store store,
                   const std::byte* then) const;
  void write_stack(const Stack& stack, Shift shift, std::byte* out, Store store, const std::byte* then) const;

  ReplayConfig config_;
  std::int64_t slots_;  // a lane's
  FrameCopier copier_;
  mutable std::mutex mutex_;
  std::condition_variable read_ended_;
  std::list<Read> reads_;
  std::vector<FrameRing> lanes_;
  SumTree tree_;
  ThreadPool pool_;
  std::int64_t num_eligible_ = 0;
  std::int64_t stale_updates_ = 0;
  double max_priority_ = 1.0;
  std::uint64_t batches_ = 0;
  // Eligibility that changed in the running call, on its way to the tree; kept so that calls do not allocate.
  std::vector<EligibilityChange> changes_;
  std::vector<std::int64_t> changed_leaves_;
  std::vector<double> changed_priorities_;
};

}  // namespace apexline
