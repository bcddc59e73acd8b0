// Prioritized replay: one FrameRing per environment and one SumTree over all their slots.
//
// Leaf env * slots + slot is the priority of the start in that slot: (|TD error| + epsilon)^alpha for an eligible start,
// zero for every other slot, updated by every call. Sampling therefore never rejects.
//
// A handle identifies one start uniquely: position / slots (the generation) * leaves + leaf. A handle is stale if its
// slot was overwritten or its start is no longer eligible; updates ignore it.
//
// A batch is sampled in two steps. `draw` selects its starts and is short; `gather` copies and takes no lock, so adds,
// updates and other batches run concurrently. An `add` that would overwrite slots that a draw still has to read waits.
//
// A snapshot is the state of one moment; its slots are read afterwards, in pieces and without a lock, beginning with the
// oldest. An `add` that would overwrite slots that a snapshot has not released waits.
//
// Guarantees, unless memory runs out (std::bad_alloc): a call that throws has changed nothing; every output is a
// function of the configuration, the seed and the order of draws, adds and updates, never of the number of threads or
// of the time at which a batch is gathered.
// Thread-safety: all calls may run concurrently, each atomic; gathers run in parallel.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <span>
#include <vector>

#include "replay/frame_ring.hpp"
#include "replay/kernels/frame_copy.hpp"
#include "replay/replay_config.hpp"
#include "replay/sum_tree.hpp"
#include "support/process.hpp"
#include "support/thread_pool.hpp"

namespace apexline {

// One step of every environment. Arrays have one row per environment; `final_frames` and `mask` may be null.
struct StepBatch {
  const std::byte* frames;
  std::vector<const std::byte*> fields;
  const float* rewards;
  const bool* terminated;
  const bool* truncated;
  const std::byte* final_frames;
  const bool* mask;
};

// The arrays that a batch of `size` transitions is written to.
struct BatchArrays {
  std::int64_t size;
  std::byte* obs;  // size * frame_stack frames, oldest first
  std::vector<std::byte*> fields;  // size values each
  float* reward;  // n-step sums
  float* discount;  // gamma^k, 0 if terminated
  std::byte* next_obs;  // as obs
  float* weights;  // importance weights divided by the batch's maximum
  std::int64_t* indices;  // handles
};

// The arrays that slots are copied to, in time order.
struct SlotArrays {
  std::byte* frames;
  std::vector<std::byte*> fields;
  float* rewards;
  std::uint32_t* in_episode;
  std::uint8_t* flags;  // 1 terminated, 2 truncated, 4 final frame
};

// The same, to restore slots from.
struct SlotSource {
  const std::byte* frames;
  std::vector<const std::byte*> fields;
  const float* rewards;
  const std::uint32_t* in_episode;
  const std::uint8_t* flags;
};

// The state of a replay except its slots.
struct ReplayState {
  std::uint64_t seed;
  std::uint64_t draws;  // made by the tree so far
  std::uint64_t batches;  // drawn so far: the counter of the shifts' random stream
  std::int64_t stale_updates;
  double max_priority;
  std::vector<RingCounters> rings;
  std::vector<double> priorities;  // of all slots, environment by environment
};

struct ReplayStats {
  std::int64_t size;  // eligible starts
  std::int64_t episodes;  // ended since construction or the last clear
  std::int64_t evicted;  // steps overwritten since then
  std::int64_t stale_updates;  // updates of stale handles
  double max_priority;
  double effective_sample_size;  // (sum p)^2 / sum p^2; Kish, "Survey Sampling", 1965
};

class PrioritizedReplay {
 private:
  struct Place {
    std::int64_t env;
    std::int64_t position;
  };

  // Slots that a draw or a snapshot has yet to read.
  struct Read {
    ProcessId process;  // a forked child does not wait for its parent's threads
    std::vector<std::int64_t> oldest;  // position by environment
    bool of_snapshot = false;
    bool copying = false;  // a snapshot copies slots now
    bool lost = false;  // the contents were replaced before the snapshot was read
  };

 public:
  // A drawn batch. Its slots are not overwritten until it is destroyed, so the thread that holds it must not call add,
  // cut_episodes or swap_contents: that could deadlock. The replay must outlive it.
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

  // The state of one moment and its slots, which are not overwritten until they are released, so the thread that holds
  // it must not add more than the released ones: that could deadlock. cut_episodes, which may change the last two slots
  // of an environment, does not wait: a snapshot has copies of them. Nor do restore, write_slots and swap_contents, which
  // replace the contents: afterwards `read` throws. The replay must outlive the snapshot.
  // Thread-safety: one call at a time.
  class Snapshot {
   public:
    Snapshot(Snapshot&& other) noexcept;
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;
    Snapshot& operator=(Snapshot&&) = delete;
    ~Snapshot();

    [[nodiscard]] const ReplayState& state() const noexcept { return state_; }
    // Two snapshots of a replay with the same number have the same slots at the positions that both have, except for
    // the last two slots of each environment.
    [[nodiscard]] std::uint64_t contents() const noexcept { return contents_; }
    // Positions by environment: the first slot, the first of the last two, and the end.
    [[nodiscard]] const std::vector<std::int64_t>& first() const noexcept { return first_; }
    [[nodiscard]] const std::vector<std::int64_t>& last_two() const noexcept { return last_two_; }
    [[nodiscard]] const std::vector<std::int64_t>& end() const noexcept { return end_; }
    // Whether no slot from begin[env] on is released. Throws std::runtime_error as `count`.
    [[nodiscard]] bool has(std::span<const std::int64_t> begin) const;
    // The number of slots from begin[env] to end[env] - 1 of all environments. Throws std::out_of_range unless all of
    // them are slots of the snapshot and not released, and std::runtime_error if the contents were replaced or in a
    // forked child.
    [[nodiscard]] std::int64_t count(std::span<const std::int64_t> begin, std::span<const std::int64_t> end) const;
    // Copies these slots, environment by environment. Throws as `count`.
    void read(std::span<const std::int64_t> begin, std::span<const std::int64_t> end, const SlotArrays& out);
    // Permits overwriting the slots before begin[env] of each environment; `read` refuses them from now on.
    void release(std::span<const std::int64_t> begin);

   private:
    friend class PrioritizedReplay;
    explicit Snapshot(PrioritizedReplay* replay) : replay_(replay) {}
    void require_readable() const;
    void require_size(std::span<const std::int64_t> positions) const;
    [[nodiscard]] std::int64_t first_unreleased(std::size_t env) const noexcept;
    [[nodiscard]] std::int64_t checked_count(std::span<const std::int64_t> begin,
                                             std::span<const std::int64_t> end) const;

    PrioritizedReplay* replay_;
    std::list<Read>::iterator read_;
    std::uint64_t contents_ = 0;
    ReplayState state_{};
    std::vector<std::int64_t> first_, last_two_, end_;
    // Copies of the last two slots, two places for each environment.
    std::vector<std::byte> frames_, records_;
    std::vector<SlotHeader> headers_;
  };

  // Throws std::invalid_argument that names the offending field.
  explicit PrioritizedReplay(ReplayConfig config);

  [[nodiscard]] const ReplayConfig& config() const noexcept { return config_; }
  [[nodiscard]] std::int64_t num_eligible() const;
  [[nodiscard]] double max_priority() const;
  [[nodiscard]] ReplayStats stats() const;  // reads every priority
  [[nodiscard]] std::vector<double> priorities() const;
  // Memory of a full replay of `slots` slots, with frames and fields of these sizes. Throws std::invalid_argument if it
  // does not fit into 64 bits.
  [[nodiscard]] static std::size_t bytes_for(std::int64_t slots, std::size_t frame_bytes, std::size_t record_bytes);
  // Memory taken by the slots written so far, and by each slot.
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] double bytes_per_slot() const noexcept;

  // Throws std::invalid_argument for a reward or action that is not finite and for a truncated environment without a
  // final frame. A terminated environment without one repeats its last frame: the discount is 0, so its value is unused.
  // After an end the environment's next step begins an episode.
  void add(const StepBatch& batch);
  // `draw` and `gather` only write to `out`, so its memory may be shared with other threads; arguments of `add`, of
  // update_priorities and of write_slots must not change during the call.
  //
  // Writes `weights` and `indices` of out; `gather` will shift stacks by up to `shift` pixels. Throws
  // std::invalid_argument if nothing is eligible, beta is not in [0, 1], shift is not from 0 to the config's or the batch
  // is empty.
  [[nodiscard]] Draw draw(double beta, int shift, const BatchArrays& out);
  // Writes the other arrays.
  void gather(const Draw& draw, const BatchArrays& out);
  // Applies the pairs in order (the last of equal handles counts) and returns the number of stale ones. Throws
  // std::out_of_range for a number that is not a handle of this replay, std::invalid_argument for an error that is not
  // finite or whose priority is above kMaxPriority.
  std::int64_t update_priorities(std::span<const std::int64_t> handles, std::span<const double> td_errors);
  // Ends the running episode of every environment of `mask` (null: all), as FrameRing::cut_episode. Waits for reads.
  void cut_episodes(const bool* mask);
  // Removes every transition and resets the largest priority. Earlier handles become stale.
  void clear();

  [[nodiscard]] ReplayState state() const;
  // Takes time for the counters, the priorities and the last two slots of each environment.
  [[nodiscard]] Snapshot snapshot();
  // Throws std::out_of_range unless the environment has slots at all positions begin .. end - 1.
  void require_stored(std::int64_t env, std::int64_t begin, std::int64_t end) const;
  // The slots at positions begin .. end - 1 of an environment. Throws std::out_of_range if one does not exist.
  void read_slots(std::int64_t env, std::int64_t begin, std::int64_t end, const SlotArrays& out) const;

  // Restoring: call `restore` on a new replay, then `write_slots` for every stored slot, then `check`. Throw
  // std::invalid_argument or std::out_of_range for an invalid state. Until `check` has succeeded `draw` throws
  // std::invalid_argument.
  void restore(const ReplayState& state);
  void write_slots(std::int64_t env, std::int64_t begin, std::int64_t end, const SlotSource& from);
  // Throws std::logic_error that names the first violated invariant. Reads everything except the frames.
  void check() const;
  // Exchanges the contents with `other`, which no other thread uses during the call, and returns the number that
  // snapshots of the new contents have. Throws std::invalid_argument unless it is another replay of the same shape.
  std::uint64_t swap_contents(PrioritizedReplay& other);

 private:
  [[nodiscard]] std::int64_t leaf(const Place& place) const noexcept;
  [[nodiscard]] FrameRing& ring(std::int64_t env) noexcept { return rings_[static_cast<std::size_t>(env)]; }
  [[nodiscard]] const FrameRing& ring(std::int64_t env) const noexcept { return rings_[static_cast<std::size_t>(env)]; }
  [[nodiscard]] ReplayState counters() const;
  void copy_slot(const std::byte* frame, const std::byte* record, const SlotHeader& header, const SlotArrays& out,
                 std::size_t place) const;
  void collect_changes(std::int64_t env);
  void apply_changes();
  void wait_for_draws(std::unique_lock<std::mutex>& lock);
  void begin_replacement(std::unique_lock<std::mutex>& lock);
  void end_snapshots();
  void check_step(const StepBatch& batch) const;
  void check_positions(std::int64_t env, std::int64_t begin, std::int64_t end) const;
  void wait_for_reads(std::unique_lock<std::mutex>& lock, const StepBatch& batch);
  [[nodiscard]] bool pending_read_of(std::span<const std::int64_t> overwritten) const;
  void write_start(const BatchArrays& out, std::int64_t row, const Draw& draw, Store store,
                   const std::byte* next_source) const;
  void write_stack(const Stack& stack, Shift shift, std::byte* out, Store store, const std::byte* next_source) const;

  ReplayConfig config_;
  std::int64_t slots_;  // of each environment
  FrameCopier copier_;
  mutable std::mutex mutex_;
  std::condition_variable read_ended_;
  std::list<Read> reads_;
  std::vector<FrameRing> rings_;
  SumTree tree_;
  ThreadPool pool_;
  std::int64_t num_eligible_ = 0;
  std::int64_t stale_updates_ = 0;
  double max_priority_ = 1.0;
  std::uint64_t batches_ = 0;
  std::uint64_t contents_ = 0;  // number of times they were replaced
  mutable bool is_checked_ = true;  // whether `check` succeeded since the last write_slots
  // Eligibility changes of the running call before they are applied to the tree; members so that calls do not allocate.
  std::vector<EligibilityChange> changes_;
  std::vector<std::int64_t> changed_leaves_;
  std::vector<double> changed_priorities_;
};

}  // namespace apexline
