#include "apexline/replay/frame_ring.hpp"

#include <algorithm>
#include <cstring>

namespace apexline {

FrameRing::FrameRing(const FrameRingShape& shape)
    : shape_(shape),
      frames_(static_cast<std::size_t>(shape.slots), shape.frame_bytes),
      actions_(static_cast<std::size_t>(shape.slots), shape.action_size * sizeof(float)),
      steps_(static_cast<std::size_t>(shape.slots), sizeof(Step)) {}

std::int64_t FrameRing::tail() const noexcept { return std::max(first_, head_ - shape_.slots); }

std::int64_t FrameRing::newest_in(std::int64_t slot) const noexcept {
  const std::int64_t last = head_ - 1;
  return last - ((last - slot) % shape_.slots + shape_.slots) % shape_.slots;
}

FrameRing::Step& FrameRing::step(std::int64_t position) noexcept {
  return steps_.as<Step>()[slot(position)];
}

const FrameRing::Step& FrameRing::step(std::int64_t position) const noexcept {
  return steps_.as<Step>()[slot(position)];
}

const std::byte* FrameRing::frame(std::int64_t position) const noexcept {
  return frames_.data() + static_cast<std::size_t>(slot(position)) * shape_.frame_bytes;
}

const float* FrameRing::action(std::int64_t position) const noexcept {
  return actions_.as<float>() + static_cast<std::size_t>(slot(position)) * shape_.action_size;
}

std::int64_t FrameRing::stack_reach(std::int64_t position) const noexcept {
  return std::min<std::int64_t>(step(position).in_episode, shape_.frame_stack - 1);
}

bool FrameRing::eligible(std::int64_t position) const noexcept {
  if (position < tail() || position >= head_ || step(position).final_frame) return false;
  if (position - stack_reach(position) < tail()) return false;
  if (position + shape_.n_step < head_) return true;
  for (std::int64_t later = position; later < head_; ++later)
    if (step(later).final_frame) return true;
  return false;
}

// The slot about to be overwritten takes with it every start whose stack reaches back to it.
void FrameRing::evict_oldest(std::vector<EligibilityChange>& changes) const {
  const std::int64_t oldest = head_ - shape_.slots;
  if (oldest < first_) return;
  const std::int64_t end = std::min(oldest + shape_.frame_stack, head_);
  for (std::int64_t position = oldest; position < end; ++position)
    if (position - stack_reach(position) <= oldest && eligible(position)) changes.push_back({position, false});
}

void FrameRing::write(const std::byte* frame, const Step& written) {
  std::memcpy(frames_.data() + static_cast<std::size_t>(slot(head_)) * shape_.frame_bytes, frame,
              shape_.frame_bytes);
  step(head_) = written;
  ++head_;
}

void FrameRing::append_decision(const std::byte* frame, const float* action, float reward, StepEnd end,
                                std::vector<EligibilityChange>& changes) {
  evict_oldest(changes);
  std::copy_n(action, shape_.action_size,
              actions_.as<float>() + static_cast<std::size_t>(slot(head_)) * shape_.action_size);
  write(frame, {reward, next_in_episode_, end, false});
  ++next_in_episode_;

  const std::int64_t start = head_ - 1 - shape_.n_step;
  if (next_in_episode_ > static_cast<std::uint32_t>(shape_.n_step) && eligible(start))
    changes.push_back({start, true});
}

void FrameRing::append_final(const std::byte* frame, std::vector<EligibilityChange>& changes) {
  evict_oldest(changes);
  write(frame, {0.0F, next_in_episode_, {}, true});

  const std::int64_t last = head_ - 2;
  const auto decisions = static_cast<std::int64_t>(next_in_episode_);
  for (std::int64_t start = last + 1 - std::min<std::int64_t>(decisions, shape_.n_step); start <= last; ++start)
    if (eligible(start)) changes.push_back({start, true});
  next_in_episode_ = 0;
}

void FrameRing::clear() noexcept {
  first_ = head_;
  next_in_episode_ = 0;
}

void FrameRing::stack(std::int64_t position, std::span<const std::byte*> out) const noexcept {
  const std::int64_t reach = stack_reach(position);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto back = static_cast<std::int64_t>(out.size() - 1 - i);
    out[i] = frame(position - std::min(back, reach));
  }
}

Window FrameRing::window(std::int64_t start, double gamma) const noexcept {
  Window window{start, 0.0, 1.0};
  for (int i = 0; i < shape_.n_step; ++i) {
    const Step& now = step(window.next);
    window.reward += window.discount * static_cast<double>(now.reward);
    window.discount = now.end.terminated ? 0.0 : window.discount * gamma;
    ++window.next;
    if (now.end.any()) break;
  }
  return window;
}

}  // namespace apexline
