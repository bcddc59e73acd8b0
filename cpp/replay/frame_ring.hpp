// One lane: the steps of one environment in time order, in a ring of slots. Every frame is stored once.
//
// A slot holds either a step (the frame seen before acting, the action, the reward that followed, how the step
// ended) or, behind the last step of an episode, that episode's final frame. An episode of T steps takes T + 1
// slots; T is 0 where it was cut before anything followed its first frame. A position counts slots written since the
// ring was made and never repeats; it lies in slot position % slots, and exists while tail() <= position < head().
//
// A step is an eligible start when
//  - its frame stack exists: min(step, frame_stack - 1) positions before it, where step counts from its episode's
//    start (the stack repeats the first frame there instead of reaching into the episode before), and
//  - its n-step window is known: n steps later there is a frame, or its episode ended before.
// `append_*` report exactly the starts whose eligibility they changed.
//
// Complexity: append is O(frame bytes + frame_stack * n_step).
// Thread-safety: what reads the slots of given positions (`record`, `stack`, `window`) touches nothing else, so it may
// run beside an append that overwrites other slots. Anything else needs the caller's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "replay/storage.hpp"

namespace apexline {

struct FrameRingShape {
  std::int64_t slots;        // at least frame_stack + n_step
  std::size_t frame_bytes;   // of one frame
  std::size_t record_bytes;  // of what else is kept a step: its action and extra fields
  int frame_stack;
  int n_step;
};

struct StepEnd {
  bool terminated = false;
  bool truncated = false;
  [[nodiscard]] bool any() const noexcept { return terminated || truncated; }
};

// What is kept of a slot besides its frame and record.
struct Step {
  float reward;
  std::uint32_t in_episode;  // steps since the episode began
  StepEnd end;
  bool final_frame;
};

// Frames in a row in memory.
struct FrameRun {
  const std::byte* frames;
  std::size_t count;
};

// A stack, oldest first: its first frame so many times again, then runs in time order. The second is empty unless the
// stack goes around the ring's end.
struct Stack {
  std::size_t repeats;
  FrameRun runs[2];
};

// Where a ring stands; with the slots from tail to head its whole state.
struct RingCounters {
  std::int64_t head = 0;              // positions written
  std::int64_t first = 0;             // nothing before it exists since the last clear
  std::int64_t next_in_episode = 0;   // steps in the running episode
  std::int64_t episodes = 0;          // that have ended
  std::int64_t evicted = 0;           // steps that were overwritten
};

struct EligibilityChange {
  std::int64_t position;
  bool eligible;
};

// The n-step return that begins at a start. Sutton & Barto, "Reinforcement Learning", 2nd ed., eq. 7.1.
struct Window {
  std::int64_t next;  // position of the frame after the last summed reward
  double reward;      // sum over i < k of gamma^i r_i
  double discount;    // gamma^k, or 0 where the window ended by termination
};

class FrameRing {
 public:
  explicit FrameRing(const FrameRingShape& shape);

  [[nodiscard]] const RingCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::int64_t head() const noexcept { return counters_.head; }
  [[nodiscard]] std::int64_t tail() const noexcept;
  [[nodiscard]] std::int64_t slot(std::int64_t position) const noexcept { return position % shape_.slots; }
  // The newest position written to `slot`; meaningful where it is >= tail().
  [[nodiscard]] std::int64_t newest_in(std::int64_t slot) const noexcept;
  [[nodiscard]] bool eligible(std::int64_t position) const noexcept;
  // The last position that an append of `count` more slots would overwrite; negative where it overwrites none.
  [[nodiscard]] std::int64_t overwritten_by(std::int64_t count) const noexcept {
    return head() + count - 1 - shape_.slots;
  }

  // A step that ended must be followed by append_final; its record is written through `record(head() - 1)` first.
  // Changes are appended to `changes` in the order they happen.
  void append_step(const std::byte* frame, float reward, StepEnd end, std::vector<EligibilityChange>& changes);
  void append_final(const std::byte* frame, std::vector<EligibilityChange>& changes);
  // Ends the running episode where nothing more is known of it: the frame of its last step becomes its final frame,
  // and the step before counts as truncated.
  void cut_episode(std::vector<EligibilityChange>& changes);
  // Forgets every slot; positions go on counting. The next step begins an episode.
  void clear() noexcept;

  [[nodiscard]] std::byte* frame(std::int64_t position) noexcept;
  [[nodiscard]] const std::byte* frame(std::int64_t position) const noexcept;
  [[nodiscard]] std::byte* record(std::int64_t position) noexcept;
  [[nodiscard]] const std::byte* record(std::int64_t position) const noexcept;
  [[nodiscard]] Step& step(std::int64_t position) noexcept;
  [[nodiscard]] const Step& step(std::int64_t position) const noexcept;
  [[nodiscard]] Stack stack(std::int64_t position) const noexcept;
  // Precondition: eligible(start).
  [[nodiscard]] Window window(std::int64_t start, double gamma) const noexcept;
  // Bytes of the slots written so far and their bookkeeping; memory that was never written is not taken.
  [[nodiscard]] std::size_t bytes() const noexcept;
  // Throws std::invalid_argument where no ring of this shape can stand so.
  void check_counters(const RingCounters& counters) const;
  // Takes over counters, which are checked; the slots from tail() to head() are to be written next.
  void restore(const RingCounters& counters);
  // Throws std::logic_error that names the first slot whose place in its episode does not follow from the one before.
  void check() const;

 private:
  [[nodiscard]] std::int64_t stack_reach(std::int64_t position) const noexcept;
  void evict_oldest(std::vector<EligibilityChange>& changes);
  void write(const std::byte* frame, const Step& step);
  void clear_record(std::int64_t position);
  void finish_episode(std::int64_t waiting, std::vector<EligibilityChange>& changes);

  FrameRingShape shape_;
  RingCounters counters_;
  ZeroedBytes frames_;
  ZeroedBytes records_;
  ZeroedBytes steps_;
};

}  // namespace apexline
