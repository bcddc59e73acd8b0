#include "replay/frame_ring.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "support/errors.hpp"

namespace apexline {

FrameRing::FrameRing(const FrameRingShape& shape)
    : shape_(shape),
      frames_(static_cast<std::size_t>(shape.slots), shape.frame_bytes),
      records_(static_cast<std::size_t>(shape.slots), shape.record_bytes),
      headers_(static_cast<std::size_t>(shape.slots), sizeof(SlotHeader)) {}

std::int64_t FrameRing::tail() const noexcept { return std::max(counters_.first, head() - shape_.slots); }

std::int64_t FrameRing::newest_in(std::int64_t slot) const noexcept {
  const std::int64_t last = head() - 1;
  if (last < 0) return last;
  const std::int64_t behind = last % shape_.slots - slot;
  return last - (behind < 0 ? behind + shape_.slots : behind);
}

std::byte* FrameRing::frame(std::int64_t position) noexcept {
  return frames_.data() + static_cast<std::size_t>(slot(position)) * shape_.frame_bytes;
}

const std::byte* FrameRing::frame(std::int64_t position) const noexcept {
  return frames_.data() + static_cast<std::size_t>(slot(position)) * shape_.frame_bytes;
}

std::byte* FrameRing::record(std::int64_t position) noexcept {
  return records_.data() + static_cast<std::size_t>(slot(position)) * shape_.record_bytes;
}

const std::byte* FrameRing::record(std::int64_t position) const noexcept {
  return records_.data() + static_cast<std::size_t>(slot(position)) * shape_.record_bytes;
}

SlotHeader& FrameRing::header(std::int64_t position) noexcept { return headers_.as<SlotHeader>()[slot(position)]; }

const SlotHeader& FrameRing::header(std::int64_t position) const noexcept {
  return headers_.as<SlotHeader>()[slot(position)];
}

std::int64_t FrameRing::stack_reach(std::int64_t position) const noexcept {
  return std::min<std::int64_t>(header(position).in_episode, shape_.frame_stack - 1);
}

bool FrameRing::eligible(std::int64_t position) const noexcept {
  if (position < tail() || position >= head() || header(position).final_frame) return false;
  if (position - stack_reach(position) < tail()) return false;
  if (position + shape_.n_step < head()) return true;
  for (std::int64_t later = position; later < head(); ++later)
    if (header(later).final_frame) return true;
  return false;
}

// Overwriting a slot makes every start ineligible whose stack includes it.
void FrameRing::evict_oldest(std::vector<EligibilityChange>& changes) {
  const std::int64_t oldest = head() - shape_.slots;
  if (oldest < counters_.first) return;
  const std::int64_t end = std::min(oldest + shape_.frame_stack, head());
  for (std::int64_t position = oldest; position < end; ++position)
    if (position - stack_reach(position) <= oldest && eligible(position)) changes.push_back({position, false});
  if (!header(oldest).final_frame) ++counters_.evicted;
}

void FrameRing::write(const std::byte* frame, const SlotHeader& written) {
  std::memcpy(this->frame(head()), frame, shape_.frame_bytes);
  header(head()) = written;
  ++counters_.head;
}

// A final frame has no action. Zeros instead of the old contents make equal histories equal byte by byte.
void FrameRing::clear_record(std::int64_t position) {
  std::fill_n(record(position), shape_.record_bytes, std::byte{0});
}

void FrameRing::append_step(const std::byte* frame, float reward, StepEnd end,
                            std::vector<EligibilityChange>& changes) {
  evict_oldest(changes);
  write(frame, {reward, static_cast<std::uint32_t>(counters_.next_in_episode), end, false});
  ++counters_.next_in_episode;

  const std::int64_t start = head() - 1 - shape_.n_step;
  if (counters_.next_in_episode > shape_.n_step && eligible(start)) changes.push_back({start, true});
}

void FrameRing::append_final(const std::byte* frame, std::vector<EligibilityChange>& changes) {
  evict_oldest(changes);
  write(frame, {0.0F, static_cast<std::uint32_t>(counters_.next_in_episode), {}, true});
  clear_record(head() - 1);
  finish_episode(shape_.n_step, changes);
}

void FrameRing::cut_episode(std::vector<EligibilityChange>& changes) {
  if (counters_.next_in_episode == 0) return;
  --counters_.next_in_episode;
  header(head() - 1) = {0.0F, static_cast<std::uint32_t>(counters_.next_in_episode), {}, true};
  clear_record(head() - 1);
  if (counters_.next_in_episode > 0) header(head() - 2).end.truncated = true;
  finish_episode(shape_.n_step - 1, changes);
}

// The final frame is stored: the returns of up to `pending` of the last steps are now known.
void FrameRing::finish_episode(std::int64_t pending, std::vector<EligibilityChange>& changes) {
  const std::int64_t last = head() - 2;
  pending = std::min(pending, counters_.next_in_episode);
  for (std::int64_t start = last + 1 - pending; start <= last; ++start)
    if (eligible(start)) changes.push_back({start, true});
  counters_.episodes += counters_.next_in_episode > 0 ? 1 : 0;
  counters_.next_in_episode = 0;
}

void FrameRing::clear() noexcept { counters_ = {.head = head(), .first = head()}; }

Stack FrameRing::stack(std::int64_t position) const noexcept {
  const std::int64_t reach = stack_reach(position);
  const std::int64_t first = slot(position - reach);
  const std::int64_t before_end = std::min(reach + 1, shape_.slots - first);
  return {static_cast<std::size_t>(shape_.frame_stack - 1 - reach),
          {{frame(position - reach), static_cast<std::size_t>(before_end)},
           {frames_.data(), static_cast<std::size_t>(reach + 1 - before_end)}}};
}

NStepReturn FrameRing::n_step_return(std::int64_t start, double gamma) const noexcept {
  NStepReturn n_step{start, 0.0, 1.0};
  for (int i = 0; i < shape_.n_step; ++i) {
    const SlotHeader& now = header(n_step.next);
    n_step.reward += n_step.discount * static_cast<double>(now.reward);
    n_step.discount = now.end.terminated ? 0.0 : n_step.discount * gamma;
    ++n_step.next;
    if (now.end.any()) break;
  }
  return n_step;
}

void FrameRing::check_counters(const RingCounters& counters) const {
  const auto require_at_most = [](const char* name, std::int64_t value, const char* limit_name, std::int64_t limit) {
    if (value < 0) throw std::invalid_argument(text(name, " is ", value, ", less than 0"));
    if (value > limit) throw std::invalid_argument(text(name, " is ", value, ", larger than ", limit_name, " ", limit));
  };
  require_at_most("head", counters.head, "2^62 - 1,", (std::int64_t{1} << 62) - 1);
  require_at_most("first", counters.first, "head", counters.head);
  const std::int64_t since_clear = counters.head - counters.first;
  require_at_most("next_in_episode", counters.next_in_episode, "head - first,", since_clear);
  require_at_most("episodes", counters.episodes, "(head - first) / 2,", since_clear / 2);
  const std::int64_t overwritten = std::max<std::int64_t>(since_clear - shape_.slots, 0);
  require_at_most("evicted", counters.evicted, "the number of overwritten slots,", overwritten);
}

void FrameRing::restore(const RingCounters& counters) {
  check_counters(counters);
  counters_ = counters;
}

void FrameRing::check() const {
  const auto require = [](bool holds, std::int64_t position, const char* rule) {
    if (!holds) throw std::logic_error(text("the slot at position ", position, " must ", rule));
  };
  for (std::int64_t position = tail(); position < head(); ++position) {
    const SlotHeader& now = header(position);
    require(!now.final_frame || !now.end.any(), position, "not be both a final frame and an end");
    require(position != counters_.first || now.in_episode == 0, position, "begin an episode");
    if (position > tail()) {
      const SlotHeader& before = header(position - 1);
      const std::uint32_t expected = before.final_frame ? 0 : before.in_episode + 1;
      require(now.in_episode == expected, position, "follow the step before it");
      require(now.final_frame == before.end.any() || (now.final_frame && now.in_episode == 0), position,
              "be a final frame exactly after an end");
    }
  }
  if (head() > tail()) {
    const SlotHeader& last = header(head() - 1);
    require(!last.end.any(), head() - 1, "be followed by its final frame");
    require(counters_.next_in_episode == (last.final_frame ? 0 : std::int64_t{last.in_episode} + 1), head() - 1,
            "agree with the running episode");
  }
}

}  // namespace apexline
