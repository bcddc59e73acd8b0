// The steps of one environment in time order, in a ring buffer of slots. Every frame is stored once.
//
// A slot holds either a step (the frame observed before acting, the action, the reward that followed, how the step
// ended) or, after the last step of an episode, the final frame of that episode. An episode of T steps takes T + 1
// slots; T is 0 if the episode was cut right after its first frame. A position counts slots written since the ring was
// built and never repeats; it is stored in slot position % slots, and exists while tail() <= position < head().
//
// A step is an eligible start if
//  - its frame stack is stored: min(in_episode, frame_stack - 1) positions before it (at the start of an episode the
//    stack repeats the first frame instead of reaching into the previous episode), and
//  - its n-step return is known: there is a frame n steps later, or the episode ended earlier.
// `append_*` report exactly the starts whose eligibility they changed.
//
// Complexity: append is O(frame bytes + frame_stack * n_step).
// Thread-safety: functions that read the slots of given positions (`record`, `stack`, `n_step_return`) access nothing
// else, so they may run concurrently with an append that overwrites other slots. Anything else needs the caller's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "replay/storage.hpp"

namespace apexline {

struct FrameRingShape {
  std::int64_t slots;  // at least frame_stack + n_step
  std::size_t frame_bytes;  // of one frame
  std::size_t record_bytes;  // of the action and extra fields of one step
  int frame_stack;
  int n_step;
};

struct StepEnd {
  bool terminated = false;
  bool truncated = false;
  [[nodiscard]] bool any() const noexcept { return terminated || truncated; }
};

// The part of a slot that is neither frame nor record.
struct SlotHeader {
  float reward;
  std::uint32_t in_episode;  // steps since the episode began
  StepEnd end;
  bool final_frame;
};

// Consecutive frames in memory.
struct FrameRun {
  const std::byte* frames;
  std::size_t count;
};

// A frame stack, oldest first: `repeats` copies of its first frame, then two runs in time order. The second run is empty
// unless the stack wraps around the end of the ring.
struct Stack {
  std::size_t repeats;
  FrameRun runs[2];
};

// Counters of a ring; together with the slots from tail to head they are its whole state.
struct RingCounters {
  std::int64_t head = 0;  // positions written
  std::int64_t first = 0;  // position of the first slot after the last clear
  std::int64_t next_in_episode = 0;  // steps in the running episode
  std::int64_t episodes = 0;  // ended episodes
  std::int64_t evicted = 0;  // overwritten steps
};

struct EligibilityChange {
  std::int64_t position;
  bool eligible;
};

// The n-step return that begins at a start. Sutton & Barto, "Reinforcement Learning", 2nd ed., eq. 7.1.
struct NStepReturn {
  std::int64_t next;  // position of the frame after the last summed reward
  double reward;  // sum over i < k of gamma^i r_i
  double discount;  // gamma^k, or 0 if the episode terminated
};

class FrameRing {
 public:
  explicit FrameRing(const FrameRingShape& shape);

  [[nodiscard]] const RingCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::int64_t head() const noexcept { return counters_.head; }
  [[nodiscard]] std::int64_t tail() const noexcept;
  [[nodiscard]] std::int64_t slot(std::int64_t position) const noexcept { return position % shape_.slots; }
  // The newest position written to `slot`; valid if it is >= tail().
  [[nodiscard]] std::int64_t newest_in(std::int64_t slot) const noexcept;
  [[nodiscard]] bool eligible(std::int64_t position) const noexcept;
  // The last position that an append of `count` more slots would overwrite; negative if there is none.
  [[nodiscard]] std::int64_t overwritten_by(std::int64_t count) const noexcept {
    return head() + count - 1 - shape_.slots;
  }

  // A step that ended must be followed by append_final; its record is written through `record(head() - 1)` first.
  // Changes are appended to `changes` in the order they happen.
  void append_step(const std::byte* frame, float reward, StepEnd end, std::vector<EligibilityChange>& changes);
  void append_final(const std::byte* frame, std::vector<EligibilityChange>& changes);
  // Ends the running episode: the frame of its last step becomes its final frame, and the step before counts as
  // truncated.
  void cut_episode(std::vector<EligibilityChange>& changes);
  // Removes every slot; positions continue to count. The next step begins an episode.
  void clear() noexcept;

  [[nodiscard]] std::byte* frame(std::int64_t position) noexcept;
  [[nodiscard]] const std::byte* frame(std::int64_t position) const noexcept;
  [[nodiscard]] std::byte* record(std::int64_t position) noexcept;
  [[nodiscard]] const std::byte* record(std::int64_t position) const noexcept;
  [[nodiscard]] SlotHeader& header(std::int64_t position) noexcept;
  [[nodiscard]] const SlotHeader& header(std::int64_t position) const noexcept;
  [[nodiscard]] Stack stack(std::int64_t position) const noexcept;
  // Precondition: eligible(start).
  [[nodiscard]] NStepReturn n_step_return(std::int64_t start, double gamma) const noexcept;
  // Throws std::invalid_argument if no ring of this shape can have these counters.
  void check_counters(const RingCounters& counters) const;
  // Checks and sets the counters; the slots from tail() to head() must be written next.
  void restore(const RingCounters& counters);
  // Throws std::logic_error that names the first slot that does not follow from the one before.
  void check() const;

 private:
  [[nodiscard]] std::int64_t stack_reach(std::int64_t position) const noexcept;
  void evict_oldest(std::vector<EligibilityChange>& changes);
  void write(const std::byte* frame, const SlotHeader& written);
  void clear_record(std::int64_t position);
  void finish_episode(std::int64_t pending, std::vector<EligibilityChange>& changes);

  FrameRingShape shape_;
  RingCounters counters_;
  ZeroedBytes frames_;
  ZeroedBytes records_;
  ZeroedBytes headers_;
};

}  // namespace apexline
