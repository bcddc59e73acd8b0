#include "racing/game/skid_marks.hpp"

#include <algorithm>

#include "racing/base/state_io.hpp"

namespace apexline::racing {
namespace {

constexpr std::size_t kMaxMarks = 30;   // Car.particles: deque(maxlen=30)
constexpr std::size_t kMaxPoints = 30;  // of a mark
constexpr std::size_t kMaxDropped = std::size_t{1} << 60;  // more than can be made

bool is_mark(const SkidMark& mark) noexcept {
  return mark.points.size() >= 2 && mark.points.size() <= kMaxPoints &&
         std::ranges::all_of(mark.points, [](Point point) {
           return is_within<double>(point.x, kFurthest) && is_within<double>(point.y, kFurthest);
         });
}

}  // namespace

void SkidMarks::clear() noexcept {
  marks_.clear();
  num_dropped_ = 0;
  traces_ = {};
}

bool SkidMarks::is_possible() const noexcept {
  if (marks_.size() > kMaxMarks || (num_dropped_ > 0 && marks_.size() < kMaxMarks) || num_dropped_ > kMaxDropped)
    return false;
  if (!std::ranges::all_of(marks_, is_mark)) return false;
  for (const Trace& trace : traces_) {
    if (!fits(trace)) return false;
    // Two wheels never extend the same mark.
    const auto shares = [&](const Trace& other) { return other.num_points > 0 && other.mark == trace.mark; };
    if (trace.num_points > 0 && std::ranges::count_if(traces_, shares) > 1) return false;
  }
  return true;
}

bool SkidMarks::fits(const Trace& trace) const noexcept {
  if (trace.num_points == 0) return trace.mark == 0 && !trace.on_grass;
  if (trace.num_points < 2 || trace.num_points > kMaxPoints || trace.mark >= num_dropped_ + marks_.size()) return false;
  if (trace.mark < num_dropped_) return true;
  const SkidMark& mark = marks_[trace.mark - num_dropped_];
  return mark.points.size() == trace.num_points && mark.on_grass == trace.on_grass;
}

std::int32_t SkidMarks::mark_of(std::size_t wheel) const noexcept {
  const Trace& trace = traces_[wheel];
  if (trace.num_points == 0) return kNoMark;
  return trace.mark < num_dropped_ ? kDroppedMark : static_cast<std::int32_t>(trace.mark - num_dropped_);
}

void SkidMarks::update(const CarBlock& block, std::size_t lane) {
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {
    Trace& trace = traces_[wheel];
    if (block.skids[wheel][lane] == 0) {
      trace = {};
      continue;
    }
    const Point here{block.x[wheel][lane], block.y[wheel][lane]};
    const bool on_grass = block.on_road[wheel][lane] == 0;
    if (trace.num_points > 0 && trace.on_grass == on_grass && trace.num_points < kMaxPoints) {
      if (trace.mark >= num_dropped_) marks_[trace.mark - num_dropped_].points.push_back(here);
      ++trace.num_points;
    } else if (!trace.has_start) {
      trace.has_start = true;
    } else {
      if (marks_.size() == kMaxMarks) {
        marks_.erase(marks_.begin());
        ++num_dropped_;
      }
      trace.mark = num_dropped_ + marks_.size();
      trace.num_points = 2;
      trace.on_grass = on_grass;
      trace.has_start = false;
      marks_.push_back({on_grass, {here, here}});
    }
  }
}

}  // namespace apexline::racing
