// One lane: the steps of one environment in time order, in a ring of slots. Every frame is stored once.
//
// A slot holds either a decision (the frame seen before acting, the action, the reward that followed, how the step
// ended) or, behind a decision that ended its episode, that episode's final frame. An episode of T decisions takes
// T + 1 slots. A position counts slots written since the ring was made and never repeats; it lies in slot
// position % slots, and exists while tail() <= position < head().
//
// A decision is an eligible start when
//  - its frame stack exists: min(step, frame_stack - 1) positions before it, where step counts from its episode's
//    start (the stack repeats the first frame there instead of reaching into the episode before), and
//  - its n-step window is known: n decisions later there is a frame, or its episode ended before.
// `append_*` report exactly the starts whose eligibility they changed.
//
// Complexity: append is O(frame bytes + frame_stack * n_step). Thread-safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "apexline/replay/storage.hpp"

namespace apexline {

struct FrameRingShape {
  std::int64_t slots;        // at least frame_stack + n_step
  std::size_t frame_bytes;   // of one frame
  std::size_t action_size;   // floats in one action
  int frame_stack;
  int n_step;
};

struct StepEnd {
  bool terminated = false;
  bool truncated = false;
  [[nodiscard]] bool any() const noexcept { return terminated || truncated; }
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

  [[nodiscard]] std::int64_t head() const noexcept { return head_; }
  [[nodiscard]] std::int64_t tail() const noexcept;
  [[nodiscard]] std::int64_t slot(std::int64_t position) const noexcept { return position % shape_.slots; }
  // The newest position written to `slot`; meaningful where it is >= tail().
  [[nodiscard]] std::int64_t newest_in(std::int64_t slot) const noexcept;
  [[nodiscard]] bool eligible(std::int64_t position) const noexcept;

  // A step that ended must be followed by append_final. Changes are appended to `changes` in the order they happen.
  void append_decision(const std::byte* frame, const float* action, float reward, StepEnd end,
                       std::vector<EligibilityChange>& changes);
  void append_final(const std::byte* frame, std::vector<EligibilityChange>& changes);
  // Forgets every slot; positions go on counting. The next decision begins an episode.
  void clear() noexcept;

  [[nodiscard]] const std::byte* frame(std::int64_t position) const noexcept;
  [[nodiscard]] const float* action(std::int64_t position) const noexcept;
  // Frames of the stack at `position`, oldest first, into `out` (frame_stack pointers).
  void stack(std::int64_t position, std::span<const std::byte*> out) const noexcept;
  // Precondition: eligible(start).
  [[nodiscard]] Window window(std::int64_t start, double gamma) const noexcept;

 private:
  struct Step {
    float reward;
    std::uint32_t in_episode;  // decisions since the episode began
    StepEnd end;
    bool final_frame;
  };

  [[nodiscard]] Step& step(std::int64_t position) noexcept;
  [[nodiscard]] const Step& step(std::int64_t position) const noexcept;
  [[nodiscard]] std::int64_t stack_reach(std::int64_t position) const noexcept;
  void evict_oldest(std::vector<EligibilityChange>& changes) const;
  void write(const std::byte* frame, const Step& step);

  FrameRingShape shape_;
  std::int64_t head_ = 0;
  std::int64_t first_ = 0;          // nothing before it exists since the last clear
  std::uint32_t next_in_episode_ = 0;
  ZeroedBytes frames_;
  ZeroedBytes actions_;
  ZeroedBytes steps_;
};

}  // namespace apexline
